"""A draft tried on the past: what was asked, how far it is, and what came out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.workflows.models.versions import Version
from apps.workflows.rules.models import RuleVersion

# A run whose process has said nothing for so long is taken up again by another one.
SILENT = timedelta(seconds=120)


class SimulationStatus(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class SimulationRunQuerySet(models.QuerySet["SimulationRun"]):
    def open(self) -> Self:
        return self.filter(status__in=[SimulationStatus.WAITING, SimulationStatus.RUNNING])

    def to_be_carried_out(self, now: datetime) -> Self:
        return self.filter(
            Q(status=SimulationStatus.WAITING) | Q(status=SimulationStatus.RUNNING, beat_at__lt=now - SILENT)
        )


class SimulationRun(models.Model):
    """
    version, rule_version   what was tried: a version of a workflow, or one of a rule
    checksum     of the draft as it was tried; another one since makes the result one of an older draft
    days, moves  the span: one of them is 0; of a rule, `moves` are events that it follows
    done, total  moves of the past that are judged, of how many
    result       apps.workflows.simulate.result.Result as JSON; of a rule simulate.rules.result.RuleResult
    """

    version = models.ForeignKey(Version, models.CASCADE, null=True, related_name="simulations")
    rule_version = models.ForeignKey(RuleVersion, models.CASCADE, null=True, related_name="simulations")
    checksum = models.CharField(_("checksum"), max_length=64)
    days = models.PositiveSmallIntegerField(_("days"), default=0)
    moves = models.PositiveIntegerField(_("moves"), default=0)
    status = models.CharField(
        _("status"), max_length=8, choices=SimulationStatus.choices, default=SimulationStatus.WAITING
    )
    asked_by_id = models.BigIntegerField(_("asked by"), null=True)
    asked_at = models.DateTimeField(_("asked"))
    beat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    problem = models.TextField(blank=True)

    objects = SimulationRunQuerySet.as_manager()

    version_id: int | None
    rule_version_id: int | None

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days=0, moves__gt=0) | Q(moves=0, days__gt=0), name="workflows_simulation_one_span"
            ),
            models.CheckConstraint(
                condition=Q(status="done", result__isnull=False) | ~Q(status="done") & Q(result=None),
                name="workflows_simulation_result",
            ),
            models.CheckConstraint(
                condition=Q(version=None, rule_version__isnull=False) | Q(rule_version=None, version__isnull=False),
                name="workflows_simulation_of_one",
            ),
            models.UniqueConstraint(
                fields=["version", "rule_version", "checksum", "days", "moves"],
                condition=Q(status__in=["waiting", "running"]),
                nulls_distinct=False,
                name="workflows_simulation_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version or self.rule_version} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.status in (SimulationStatus.WAITING, SimulationStatus.RUNNING)

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0
