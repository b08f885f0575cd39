"""Workflows as rows: versions that are never changed once published, and the stops laid over them."""

from __future__ import annotations

from datetime import datetime

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.prepared import Given
from apps.core.triggers import GuardTrigger, guarded
from apps.workflows.definition import word
from apps.workflows.models.life import GUARD_VERSION, VersionLife, VersionStatus

GUARD_PART = "workflows_guard_part"
# Who has begun a version approves it only where its content was published before: the way back.
GUARD_OWN_WORK = "workflows_guard_own_work"


class StateKinds(models.TextChoices):
    INITIAL = "initial", _("initial")
    NORMAL = "normal", _("normal")
    HOLD = "hold", _("hold: left only by a release")
    GATE = "gate", _("gate: must be passed")
    FINAL = "final", _("final")


class Phases(models.TextChoices):
    """Of an item that is running: getting ready for the first good piece, or making pieces; of one that is not: its
    machine has stopped it, and people stay at it.
    """

    SET_UP = "set_up", _("set-up and first piece")
    RUN = "run", _("run")
    STOP = "stop", _("machine stopped")


RUNNING_PHASES = (Phases.SET_UP, Phases.RUN)


class Presentations(models.TextChoices):
    OFFERED = "offered", _("the button answers why not")
    DISABLED = "disabled", _("grey, with the reason")
    HIDDEN = "hidden", _("not shown")


class Workflow(models.Model):
    """The name that versions stand under; a kind may have several workflows."""

    kind = models.CharField(_("kind of item"), max_length=40)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(models.QuerySet["Version"]):
    def in_force(self, *, at: datetime | Given) -> VersionQuerySet:
        """The published ones that new items may start on anywhere, newest first; several workflows may be among them.

        Which of them a new item starts on: apps.workflows.life.choosing.
        """
        everywhere = models.Q(rollout=None) | models.Q(rollout__widened_at__isnull=False)
        return self.filter(everywhere, status=VersionStatus.PUBLISHED, effective_from__lte=at).order_by("-number")


class Version(VersionLife):
    """States and edges of a workflow; items start on it once it is in force."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="versions")
    effective_from = models.DateTimeField(_("in force from"), null=True)
    applies_to = models.JSONField(_("new items it is for"), default=list, editable=False)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("workflow version")
        verbose_name_plural = _("workflow versions")
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflows_version_number"),
            models.CheckConstraint(
                condition=~models.Q(status__in=["published", "retired"])
                | models.Q(published_at__isnull=False, effective_from__isnull=False) & ~models.Q(checksum=""),
                name="workflows_published_is_dated",
            ),
        ]
        triggers = [
            *guarded(GUARD_VERSION),
            GuardTrigger(name="own_work", function=GUARD_OWN_WORK, operation=pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"

    def has_begun(self, at: datetime) -> bool:
        """Published, and its hour has come; a newer one may have taken its place since."""
        return self.effective_from is not None and self.effective_from <= at


class State(models.Model):
    """One state that an engineer has named; it belongs to one fixed status of the kind."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="states")
    code = models.CharField(_("code"), max_length=40)
    labels = models.JSONField(_("labels"), default=dict)
    status = models.CharField(_("status"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=StateKinds.choices, default=StateKinds.NORMAL)
    position = models.PositiveIntegerField(_("position"))
    is_safe = models.BooleanField(_("safe to change the version in"), default=False)
    phase = models.CharField(
        _("phase"),
        max_length=10,
        choices=Phases.choices,
        blank=True,
        default="",
        help_text=_("Of a running state, or of one that a stop of the machine leads to."),
    )

    class Meta:
        verbose_name = _("state")
        verbose_name_plural = _("states")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="workflows_state_code")]
        triggers = guarded(GUARD_PART)

    def __str__(self) -> str:
        return word(self.labels, self.code)


class Edge(models.Model):
    """One way from one state to another; an edge with several sources is as many rows with one code and position."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="edges")
    code = models.CharField(_("code"), max_length=40)
    labels = models.JSONField(_("labels"), default=dict)
    source = models.ForeignKey(State, models.CASCADE, related_name="exits")
    target = models.ForeignKey(State, models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField(_("position"))
    roles = models.JSONField(_("roles"), default=list)
    skills = models.JSONField(_("skills"), default=list)
    conditions = models.JSONField(_("conditions"), default=list)
    expression = models.CharField(_("expression"), max_length=500, blank=True)
    expression_sentence = models.JSONField(_("why the expression refuses"), default=dict)
    inputs = models.JSONField(_("required data"), default=list)
    reason_required = models.BooleanField(_("reason required"), default=False)
    reason_purpose = models.CharField(_("purpose of the reason"), max_length=40, blank=True)
    presentation = models.CharField(
        _("shown while not possible"), max_length=10, choices=Presentations.choices, default=Presentations.DISABLED
    )
    effects = models.JSONField(_("effects"), default=list)
    signature = models.JSONField(_("signature"), null=True)
    at_most = models.PositiveSmallIntegerField(_("at most so often"), null=True)
    partner_suffices = models.BooleanField(_("a qualified partner suffices"), default=False)

    class Meta:
        verbose_name = _("edge")
        verbose_name_plural = _("edges")
        ordering = ["position", "source__position"]
        constraints = [models.UniqueConstraint(fields=["version", "code", "source"], name="workflows_edge_source")]
        triggers = guarded(GUARD_PART)

    def __str__(self) -> str:
        return word(self.labels, self.code)


class EdgeStopQuerySet(models.QuerySet["EdgeStop"]):
    def in_force(self) -> EdgeStopQuerySet:
        return self.filter(resumed_at__isnull=True)


class EdgeStop(models.Model):
    """The kill switch: nobody takes this edge, in any version of the workflow, until it is resumed."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="stops")
    edge = models.CharField(_("edge"), max_length=40)
    reason = models.TextField(_("why"))
    stopped_by_id = models.BigIntegerField(_("stopped by"), null=True)
    stopped_at = models.DateTimeField(_("stopped"))
    resumed_by_id = models.BigIntegerField(_("resumed by"), null=True)
    resumed_at = models.DateTimeField(_("resumed"), null=True)

    objects = EdgeStopQuerySet.as_manager()

    class Meta:
        verbose_name = _("stopped edge")
        verbose_name_plural = _("stopped edges")
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "edge"],
                condition=models.Q(resumed_at__isnull=True),
                name="workflows_one_stop_per_edge",
            )
        ]

    def __str__(self) -> str:
        return f"{self.workflow}: {self.edge}"
