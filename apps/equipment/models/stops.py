"""Stops that are long enough to be asked about, why they were, and who was sent for."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.fields import TsTzRange
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.equipment.actions import VIEW_MACHINES
from apps.equipment.models.machines import AtUnitQuerySet
from apps.plant.models import within


class DowntimeQuerySet(AtUnitQuerySet["Downtime"]):
    def standing(self) -> Self:
        """Those that still are what the signals say."""
        return self.filter(withdrawn_at=None)

    def open(self) -> Self:
        return self.standing().filter(ended_at=None)

    def to_call(self, at: datetime) -> Self:
        """Those that are to call somebody and have not yet."""
        return self.open().filter(call_due_at__lte=at, calls_nobody=False)


class Downtime(models.Model):
    """A stop [started_at, ended_at) that has become longer than its machine's threshold, or that a person reported.

    version       goes up with every word about its reason or parts: who answers says which one it is an answer to
    withdrawn_at  signals that came late have shown that the machine ran, or that the stop was part of another
    raised_at     somebody was called, and is
    call_due_at   since then a rule wants somebody called; None: no rule does, or somebody is called
    calls_nobody  its machine does not, or not for its reason
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, related_name="downtimes", verbose_name=_("work unit")
    )
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    raised_at = models.DateTimeField(_("called"), null=True)
    call_due_at = models.DateTimeField(_("calls at"), null=True)
    calls_nobody = models.BooleanField(_("calls nobody"), default=False)

    site_id: int
    work_unit_id: int
    objects = DowntimeQuerySet.as_manager()
    history = History(excluded_fields=["raised_at", "call_due_at", "calls_nobody"])

    class Meta:
        verbose_name = _("downtime")
        verbose_name_plural = _("downtimes")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")), name="downtime_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(raised_at=None) | Q(call_due_at=None), name="downtime_has_called_or_is_to"
            ),
            ExclusionConstraint(
                name="downtime_no_overlap",
                # Late signals may move several at once: looked at when all are moved.
                deferrable=models.Deferrable.DEFERRED,
                condition=Q(withdrawn_at=None),
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("work_unit", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["call_due_at"], name="downtime_call_due", condition=Q(call_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def scope(self) -> Scope:
        return self.work_unit.scope

    @property
    def topics(self) -> tuple[str, ...]:
        unit = self.work_unit
        return f"machine:{unit.pk}", f"station:{unit.pk}", f"line:{unit.work_center_id}", f"stops:{self.site_id}"


class DowntimePartQuerySet(models.QuerySet["DowntimePart"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MACHINES) -> Self:
        return self.filter(within(rights.places(actor, action), "downtime__work_unit__work_center"))

    def at(self, place: str) -> Self:
        """Of a site, an area or a line, as it stands in a scope: "line:7"."""
        return self.filter(within(frozenset({place}), "downtime__work_unit__work_center"))

    def unexplained(self) -> Self:
        """Of stops that still are what the signals say."""
        return self.filter(reason=None, downtime__withdrawn_at=None)


class DowntimePart(models.Model):
    """A stretch of a downtime with one reason; the parts of one follow each other and make up the whole.

    reason None: not explained yet. People are named by id.
    """

    downtime = models.ForeignKey(Downtime, models.PROTECT, related_name="parts", verbose_name=_("downtime"))
    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    reason = models.ForeignKey(
        "plant.ReasonCode", models.PROTECT, null=True, related_name="+", verbose_name=_("reason")
    )
    classified_at = models.DateTimeField(_("explained"), null=True)
    classified_by_id = models.BigIntegerField(_("explained by"), null=True)

    site_id: int
    downtime_id: int
    reason_id: int | None
    objects = DowntimePartQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("part of a downtime")
        verbose_name_plural = _("parts of downtimes")
        ordering = ["started_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")), name="downtime_part_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(reason=None, classified_at=None) | Q(reason__isnull=False, classified_at__isnull=False),
                name="downtime_part_explained_at_a_time",
            ),
            ExclusionConstraint(
                name="downtime_part_no_overlap",
                # A split moves the end of one part and begins another: looked at when both are done.
                deferrable=models.Deferrable.DEFERRED,
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("downtime", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["site", "started_at"], name="downtime_part_unexplained", condition=Q(reason=None)),
            models.Index(fields=["reason", "started_at"], name="downtime_part_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.reason or ''}".strip()

    @property
    def scope(self) -> Scope:
        return self.downtime.scope


class RequestStatus(models.TextChoices):
    REQUESTED = "requested", _("requested")
    ARRIVED = "arrived", _("somebody is there")
    WAITING_FOR_PART = "waiting_for_part", _("waiting for a part")
    DONE = "done", _("done")


class MaintenanceRequest(models.Model):
    """Somebody is to look after a machine; because of a downtime, or of a call.

    exception  of that downtime or call: what is answered to it moves the request on
    note  typed, so without history: it may name somebody
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, related_name="maintenance_requests", verbose_name=_("work unit")
    )
    downtime = models.ForeignKey(
        Downtime, models.PROTECT, null=True, related_name="maintenance_requests", verbose_name=_("downtime")
    )
    exception = models.ForeignKey(
        "andon.FloorException",
        models.PROTECT,
        null=True,
        related_name="maintenance_requests",
        verbose_name=_("exception"),
    )
    status = models.CharField(
        _("status"), max_length=16, choices=RequestStatus.choices, default=RequestStatus.REQUESTED, editable=False
    )
    requested_at = models.DateTimeField(_("requested"))
    requested_by_id = models.BigIntegerField(_("requested by"), null=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    technician_id = models.BigIntegerField(_("technician"), null=True)
    cause = models.ForeignKey("plant.ReasonCode", models.PROTECT, null=True, related_name="+", verbose_name=_("cause"))
    done_at = models.DateTimeField(_("done"), null=True)
    note = models.TextField(_("note"), blank=True)

    site_id: int
    work_unit_id: int
    downtime_id: int | None
    exception_id: int | None
    cause_id: int | None
    objects = AtUnitQuerySet["MaintenanceRequest"].as_manager()
    history = History(excluded_fields=["note"])

    class Meta:
        verbose_name = _("request for maintenance")
        verbose_name_plural = _("requests for maintenance")
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RequestStatus.values), name="maintenance_status_known"),
            models.CheckConstraint(
                condition=Q(status=RequestStatus.DONE, done_at__isnull=False)
                | ~Q(status=RequestStatus.DONE) & Q(done_at=None),
                name="maintenance_done_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["work_unit"], condition=Q(done_at=None), name="maintenance_open_once_per_unit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.requested_at:%Y-%m-%d %H:%M}"

    @property
    def scope(self) -> Scope:
        return self.work_unit.scope


class ReasonWord(models.Model):
    """A signal has named the reason of the stop that there is at its time; for a downtime that nobody has explained."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.ForeignKey("plant.ReasonCode", models.PROTECT, related_name="+")

    reason_id: int

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work_unit", "at", "reason"], name="reason_word_once")]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.reason_id} {self.at:%Y-%m-%d %H:%M:%S}"
