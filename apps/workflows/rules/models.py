"""Rules as rows: versions that are never changed once published, where they are off, and what came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.triggers import GuardTrigger, guarded
from apps.workflows.models.life import GUARD_VERSION, Step, VersionLife, VersionRollout, VersionStatus

GUARD_OWN_RULE = "workflows_guard_own_rule"
GUARD_RULE_PART = "workflows_guard_rule_part"


class Rule(models.Model):
    """The name that versions stand under."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RuleVersionQuerySet(models.QuerySet["RuleVersion"]):
    def published(self) -> Self:
        """Several of one rule, while the last one waits for its hour or is tried on some lines."""
        return self.filter(status=VersionStatus.PUBLISHED)

    def in_force(self, *, at: datetime) -> Self:
        """Those that hold everywhere, the last one of a rule first."""
        everywhere = Q(rollout=None) | Q(rollout__widened_at__isnull=False, rollout__starts_at__lte=at)
        return self.published().filter(everywhere).order_by("rule", "-published_at", "-number")


class RuleVersion(VersionLife):
    """`content` is a RuleSpec (rules/definition.py), `event` the kind of event that it follows."""

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="versions", editable=False)
    event = models.CharField(_("follows the event"), max_length=80, editable=False)
    content = models.JSONField(_("content"), default=dict, editable=False)

    rule_id: int
    objects = RuleVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule version")
        verbose_name_plural = _("rule versions")
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number"),
            models.CheckConstraint(
                condition=~Q(status__in=["published", "retired"]) | Q(published_at__isnull=False) & ~Q(checksum=""),
                name="published_rule_is_dated",
            ),
        ]
        triggers = [
            *guarded(GUARD_VERSION),
            GuardTrigger(name="own_work", function=GUARD_OWN_RULE, operation=pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class RuleStep(Step):
    """`definition` is a RuleSpec."""

    version = models.ForeignKey(RuleVersion, models.CASCADE, related_name="steps")

    class Meta:
        verbose_name = _("step of a rule's draft")
        verbose_name_plural = _("steps of a rule's draft")
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="rule_step_number"),
            models.CheckConstraint(condition=Q(number__gt=0) | Q(is_undone=False), name="rule_beginning_stays"),
        ]
        triggers = guarded(GUARD_RULE_PART)


class RuleRolloutQuerySet(models.QuerySet["RuleRollout"]):
    def on_the_way(self) -> Self:
        """Of published versions: not everywhere yet, or their hour has not come."""
        unfinished = Q(widened_at=None) | Q(took_effect_at=None)
        return self.filter(unfinished, version__status=VersionStatus.PUBLISHED)

    def to_be_announced(self) -> Self:
        return self.filter(took_effect_at=None, version__status=VersionStatus.PUBLISHED)


class RuleRollout(VersionRollout):
    """Of a version that was not published for at once and everywhere; all others have none."""

    version = models.OneToOneField(RuleVersion, models.CASCADE, related_name="rollout")
    starts_at = models.DateTimeField(_("in force from"))

    version_id: int
    objects = RuleRolloutQuerySet.as_manager()

    class Meta:
        verbose_name = _("rollout of a rule")
        verbose_name_plural = _("rollouts of rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(widened_at__isnull=False) | ~Q(line_ids=[]), name="rule_rollout_holds_somewhere"
            )
        ]
        indexes = [
            models.Index(
                fields=["version"], condition=Q(widened_at=None) | Q(took_effect_at=None), name="rule_rollout_open"
            )
        ]

    def __str__(self) -> str:
        return str(self.version)


class AtPlace(models.Model):
    """Where a rule has run: the line, else the site, else unknown."""

    site = models.ForeignKey("plant.Site", models.PROTECT, null=True, related_name="+", verbose_name=_("site"))
    work_center = models.ForeignKey(
        "plant.WorkCenter", models.PROTECT, null=True, related_name="+", verbose_name=_("line")
    )

    site_id: int | None
    work_center_id: int | None

    class Meta:
        abstract = True


class RuleStopQuerySet(models.QuerySet["RuleStop"]):
    def in_force(self) -> Self:
        return self.filter(resumed_at=None)


class RuleStop(AtPlace):
    """The rule is off: by somebody everywhere, in every version; or there and in `version` by itself, having failed."""

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="stops", verbose_name=_("rule"))
    version = models.ForeignKey(RuleVersion, models.PROTECT, null=True, related_name="stops", verbose_name=_("version"))
    reason = models.TextField(_("why"), blank=True)
    stopped_by_id = models.BigIntegerField(_("switched off by"), null=True)
    stopped_at = models.DateTimeField(_("switched off"))
    resumed_by_id = models.BigIntegerField(_("switched on by"), null=True)
    resumed_at = models.DateTimeField(_("switched on"), null=True)

    rule_id: int
    version_id: int | None
    objects = RuleStopQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule that is off")
        verbose_name_plural = _("rules that are off")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "version", "site", "work_center"],
                condition=Q(resumed_at=None),
                nulls_distinct=False,
                name="one_stop_of_a_rule_there",
            ),
            models.CheckConstraint(
                condition=Q(version__isnull=False) | Q(site=None, work_center=None) & ~Q(reason=""),
                name="rule_is_off_everywhere_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.work_center or self.site or _('everywhere')}"


class FailureReason(models.TextChoices):
    CONDITION = "condition", _("the condition can't be answered")
    ACTION = "action", _("an action can't be done")
    SLOW = "slow", _("it took too long")
    DEPTH = "depth", _("rules follow rules without end")
    RATE = "rate", _("it acts too often")
    OTHER = "other", _("it went wrong")


class RuleFailureQuerySet(models.QuerySet["RuleFailure"]):
    def unsettled(self) -> Self:
        return self.filter(settled_at=None)


class RuleFailure(AtPlace):
    """One event that the rule could not follow; the fact itself stands.

    sentence    for the engineer; it may name somebody, so it is pruned in time, and never in the ledger
    told_at     when the ledger and the engineer heard of it; None: the worker sees to it
    settled_at  somebody has switched the rule on again, or put another version in its place
    """

    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="failures", verbose_name=_("version"))
    event_id = models.BigIntegerField(_("event"))
    event_kind = models.CharField(_("what happened"), max_length=80)
    reason = models.CharField(_("what failed"), max_length=10, choices=FailureReason.choices)
    sentence = models.TextField(_("in words"))
    at = models.DateTimeField(_("when"))
    told_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    version_id: int
    objects = RuleFailureQuerySet.as_manager()

    class Meta:
        verbose_name = _("failure of a rule")
        verbose_name_plural = _("failures of rules")
        indexes = [
            models.Index(
                fields=["version", "site", "work_center"], condition=Q(settled_at=None), name="rule_failure_unsettled"
            ),
            models.Index(fields=["id"], condition=Q(told_at=None), name="rule_failure_untold"),
            models.Index(fields=["at"], name="rule_failure_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=["condition", "action", "slow", "depth", "rate", "other"]),
                name="rule_failure_reason_known",
            )
        ]

    def __str__(self) -> str:
        return self.sentence


class RuleFiring(AtPlace):
    """One time that it acted; `key` is what it counts and rests by."""

    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="firings", verbose_name=_("version"))
    event_id = models.BigIntegerField(_("event"))
    key = models.CharField(_("the same"), max_length=200)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("act of a rule")
        verbose_name_plural = _("acts of rules")
        constraints = [models.UniqueConstraint(fields=["version", "event_id"], name="rule_acts_once_on_an_event")]
        indexes = [
            models.Index(fields=["version", "key", "-at"], name="rule_firing_key"),
            models.Index(fields=["version", "work_center", "-at"], name="rule_firing_line"),
            models.Index(fields=["at"], name="rule_firing_at"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} {self.event_id}"


class RuleTimerQuerySet(models.QuerySet["RuleTimer"]):
    def due(self, at: datetime) -> Self:
        return self.filter(due_at__lte=at).order_by("due_at", "pk")


class RuleTimer(AtPlace):
    """An event that the rule is to look at again; gone with the transaction in which it does."""

    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="timers", verbose_name=_("version"))
    event_id = models.BigIntegerField(_("event"))
    due_at = models.DateTimeField(_("looks again"))

    version_id: int
    objects = RuleTimerQuerySet.as_manager()

    class Meta:
        verbose_name = _("timer of a rule")
        verbose_name_plural = _("timers of rules")
        constraints = [models.UniqueConstraint(fields=["version", "event_id"], name="rule_waits_once_for_an_event")]
        indexes = [models.Index(fields=["due_at", "id"], name="rule_timer_due")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.event_id}"


class RuleOccurrence(models.Model):
    """One event that a window counts; `firing` is the act that it was counted for, and then for no other.

    thing  the subject of the event, where things are counted
    """

    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="+")
    event_id = models.BigIntegerField()
    key = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    thing = models.CharField(max_length=80, blank=True)
    firing = models.ForeignKey(RuleFiring, models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "event_id"], name="rule_counts_an_event_once"),
            models.UniqueConstraint(
                fields=["version", "thing"], condition=Q(firing=None) & ~Q(thing=""), name="rule_counts_a_thing_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "key", "occurred_at"], condition=Q(firing=None), name="rule_occurrence_open"
            ),
            models.Index(fields=["occurred_at"], name="rule_occurrence_at"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} {self.key} {self.event_id}"
