"""What is to happen to an exception, and when: rows, claimed with SKIP LOCKED."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.models.exceptions import FloorException


class TimerKind(models.TextChoices):
    STEP = "step", _("step of the policy")
    RESPONSE = "response", _("warning: answer")
    RESOLUTION = "resolution", _("warning: resolve")
    REMIND = "remind", _("reminder")
    UNACK = "unack", _("open again")
    WAKE = "wake", _("end of snooze")
    UNPAUSE = "unpause", _("end of pause")
    RECHECK = "recheck", _("look again")
    ACCEPT = "accept", _("handover not accepted")


class Outcome(models.TextChoices):
    """STALE: the exception goes by another plan now."""

    DONE = "done", _("done")
    STALE = "stale", _("overtaken")


class TimerQuerySet(models.QuerySet["Timer"]):
    def waiting(self) -> Self:
        return self.filter(fired_at=None)

    def due(self, at: datetime) -> Self:
        return self.waiting().filter(due_at__lte=at).order_by("failures", "due_at", "pk")


class Timer(models.Model):
    """Fires once, within the transaction that claims it. `round` is its token: see FloorException.round."""

    exception = models.ForeignKey(FloorException, models.PROTECT, related_name="timers")
    kind = models.CharField(max_length=10, choices=TimerKind.choices)
    step = models.PositiveIntegerField(default=0)
    round = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=5, choices=Outcome.choices, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)

    exception_id: int
    objects = TimerQuerySet.as_manager()

    class Meta:
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        constraints = [
            models.UniqueConstraint(fields=["exception", "kind", "step", "round"], name="timer_once"),
            models.CheckConstraint(
                condition=Q(fired_at=None, outcome="") | Q(fired_at__isnull=False) & ~Q(outcome=""),
                name="fired_timer_has_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["failures", "due_at", "id"], name="timer_due", condition=Q(fired_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.kind} {self.step}/{self.round}"
