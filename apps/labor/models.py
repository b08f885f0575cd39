"""When somebody worked on an operation."""

from __future__ import annotations

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
from apps.labor.actions import VIEW_LABOR
from apps.plant.models import within
from apps.workflows.models import Phases


class ClosedBy(models.TextChoices):
    """The person, or somebody for that person; the operation, which stopped or changed its phase; or the end rule."""

    PERSON = "person", _("person")
    JOB = "job", _("operation")
    RULE = "rule", _("rule")


class TimeEntryQuerySet(models.QuerySet["TimeEntry"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_LABOR) -> Self:
        return self.filter(within(rights.places(actor, action), "job_order__work_center"))

    def open(self) -> Self:
        return self.filter(ended_at=None)


class TimeEntry(models.Model):
    """One person on one operation in one phase, [started_at, ended_at); open while it goes on.

    Several people may be on one operation, and one person on several.
    last_evidence_at   when the person last did something (a count, a scan, a step); it may lie before `started_at`
                       where somebody else's act has changed the phase
    flagged            the end is a guess of the end rule: somebody looks at it
    correction_reason  typed, so without history: it may name somebody
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    person = models.ForeignKey("plant.Person", models.PROTECT, related_name="time_entries", verbose_name=_("person"))
    job_order = models.ForeignKey(
        "orders.JobOrder", models.PROTECT, related_name="time_entries", verbose_name=_("operation")
    )
    phase = models.CharField(_("phase"), max_length=10, choices=Phases.choices)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    last_evidence_at = models.DateTimeField(_("last seen"))
    closed_by = models.CharField(_("ended by"), max_length=6, choices=ClosedBy.choices, blank=True)
    flagged = models.BooleanField(_("to be checked"), default=False)
    correction_reason = models.TextField(_("why it was corrected"), blank=True)

    site_id: int
    person_id: int
    job_order_id: int
    objects = TimeEntryQuerySet.as_manager()
    history = History(excluded_fields=["correction_reason"])

    class Meta:
        verbose_name = _("working time")
        verbose_name_plural = _("working times")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(phase__in=Phases.values), name="time_entry_phase_known"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="time_entry_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, closed_by="") | Q(ended_at__isnull=False, closed_by__in=ClosedBy.values),
                name="time_entry_end_has_cause",
            ),
            models.UniqueConstraint(
                fields=["person", "job_order"], condition=Q(ended_at=None), name="time_entry_open_once"
            ),
            ExclusionConstraint(
                name="time_entry_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                    ("job_order", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["last_evidence_at"], name="time_entry_open", condition=Q(ended_at=None)),
            models.Index(fields=["job_order", "started_at"], name="time_entry_of_job"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.job_order_id} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def scope(self) -> Scope:
        return self.job_order.scope
