"""A published version on its way to the floor: where it holds first, and what becomes of the items under way."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.triggers import guarded
from apps.workflows.models.life import VersionRollout
from apps.workflows.models.versions import GUARD_PART, Version

GUARD_DECISION = "workflows_guard_decision"


class Policy(models.TextChoices):
    """Of the items under way when a version is published."""

    PIN = "pin", _("they stay on the version they began with")
    SAFE = "safe", _("they move in a state that is safe for it")
    PLAN = "plan", _("they move by a plan, state by state")


class Course(models.TextChoices):
    """Of the items in one state of an older version."""

    STAY = "stay", _("stay")
    MOVE = "move", _("move")
    DECIDE = "decide", _("decide each")


class MovePlan(models.Model):
    """Written with the draft and reviewed with it; a version without one leaves items where they are."""

    version = models.OneToOneField(Version, models.CASCADE, related_name="move_plan")
    policy = models.CharField(_("items under way"), max_length=4, choices=Policy.choices, default=Policy.PIN)

    class Meta:
        verbose_name = _("plan for the items under way")
        verbose_name_plural = _("plans for the items under way")
        triggers = guarded(GUARD_PART)

    def __str__(self) -> str:
        return f"{self.version}: {self.get_policy_display()}"


class MoveLine(models.Model):
    """Items of `from_version` that are in `from_state`; with the course MOVE they go to `to_state` of `version`."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="move_lines")
    from_version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    from_state = models.CharField(_("from state"), max_length=40)
    course = models.CharField(_("what becomes of them"), max_length=6, choices=Course.choices)
    to_state = models.CharField(_("to state"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("line of a plan")
        verbose_name_plural = _("lines of a plan")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "from_version", "from_state"], name="workflows_one_course_per_state"
            ),
            models.CheckConstraint(
                condition=models.Q(course=Course.MOVE) & ~models.Q(to_state="")
                | ~models.Q(course=Course.MOVE) & models.Q(to_state=""),
                name="workflows_a_move_leads_somewhere",
            ),
        ]
        indexes = [models.Index(fields=["from_version", "from_state"], name="workflows_line_from")]
        triggers = guarded(GUARD_PART)

    def __str__(self) -> str:
        return f"{self.from_version}: {self.from_state} - {self.get_course_display()} {self.to_state}"


class MoveDecision(models.Model):
    """What becomes of one item whose line says "decide each"; an empty `to_state`: it stays.

    Written with the plan, or after the publication by somebody who has not written the version.
    """

    version = models.ForeignKey(Version, models.CASCADE, related_name="move_decisions")
    item_id = models.BigIntegerField(_("item"))
    to_state = models.CharField(_("to state"), max_length=40, blank=True)
    decided_by_id = models.BigIntegerField(_("decided by"), null=True)
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("decision on an item")
        verbose_name_plural = _("decisions on items")
        constraints = [models.UniqueConstraint(fields=["version", "item_id"], name="workflows_one_decision_per_item")]
        triggers = guarded(GUARD_DECISION)

    def __str__(self) -> str:
        return f"{self.version}: {self.item_id} {self.to_state}"


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def to_be_announced(self) -> RolloutQuerySet:
        return self.filter(took_effect_at__isnull=True)

    def moving(self) -> RolloutQuerySet:
        return self.filter(took_effect_at__isnull=False, moves_ended_at__isnull=True)


class Rollout(VersionRollout):
    """
    cursor, skipped, moved   of the running move: the last item looked at, those somebody else had locked in this pass,
                             and all that were moved so far
    """

    version = models.OneToOneField(Version, models.CASCADE, related_name="rollout")
    cursor = models.BigIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(_("items moved"), default=0)
    moves_ended_at = models.DateTimeField(_("move ended"), null=True)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(widened_at__isnull=False) | ~models.Q(line_ids=[]),
                name="workflows_rollout_holds_somewhere",
            )
        ]
        indexes = [
            models.Index(
                fields=["version"],
                name="workflows_rollout_open",
                condition=models.Q(took_effect_at__isnull=True) | models.Q(moves_ended_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.version)
