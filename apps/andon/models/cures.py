"""What was done about exceptions, from where they were shown."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.models.exceptions import FloorException
from apps.andon.models.playbooks import PlaybookStep
from apps.core.triggers import append_only


class AppliedCure(models.Model):
    """
    cure    code; "" for an instruction that somebody has followed      step  of the playbook that said so, if one did
    person  None: the system did it, by a step that acts alone
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    exception = models.ForeignKey(FloorException, models.PROTECT, related_name="cures")
    cure = models.CharField(_("cure"), max_length=40, blank=True)
    part_id = models.BigIntegerField(null=True)
    inputs = models.JSONField(default=dict)
    step = models.ForeignKey(PlaybookStep, models.PROTECT, null=True, related_name="applied")
    person = models.ForeignKey("plant.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("at"))

    exception_id: int
    step_id: int | None
    person_id: int | None

    class Meta:
        verbose_name = _("applied cure")
        verbose_name_plural = _("applied cures")
        ordering = ["-pk"]
        triggers = append_only()
        indexes = [models.Index(fields=["cure", "at"], name="cure_applied_at")]
        constraints = [
            models.CheckConstraint(condition=~Q(cure="") | Q(step__isnull=False), name="applied_cure_is_something")
        ]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.cure}"
