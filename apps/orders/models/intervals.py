"""When an operation ran: derived from its moves, never typed, never a running counter."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.fields import TsTzRange
from apps.workflows.models import RUNNING_PHASES

RUNNING = [(phase.value, phase.label) for phase in RUNNING_PHASES]


def sharing(start: datetime, end: datetime) -> Q:
    """A filter for rows that last from `started_at` to `ended_at`: those that share time with [start, end)."""
    return Q(ended_at=None, started_at__lt=end) | Q(ended_at__gt=start, started_at__lt=end)


class JobInterval(models.Model):
    """One stretch of running in one phase, [started_at, ended_at); open while it runs.

    `end_reason` is the status that it went to ("suspended", "held", "completed", ...), or PHASE where it ran on in the
    other phase.
    """

    PHASE = "phase"

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="intervals")
    phase = models.CharField(_("phase"), max_length=10, choices=RUNNING)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(_("ended by"), max_length=40, blank=True)

    site_id: int
    job_order_id: int

    class Meta:
        verbose_name = _("run interval")
        verbose_name_plural = _("run intervals")
        ordering = ["started_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(phase__in=[value for value, _label in RUNNING]), name="job_interval_phase_known"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="job_interval_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="job_interval_end_has_reason",
            ),
            models.UniqueConstraint(fields=["job_order"], condition=Q(ended_at=None), name="job_interval_open_once"),
            ExclusionConstraint(
                name="job_interval_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("job_order", RangeOperators.EQUAL),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_order_id} {self.phase} {self.started_at:%Y-%m-%d %H:%M}"

    def close(self, at: datetime, reason: str) -> None:
        """Ends it at `at`, or at its start should that be later: an interval has no negative length."""
        self.ended_at, self.end_reason = max(at, self.started_at), reason
        self.save(update_fields=["ended_at", "end_reason"])
