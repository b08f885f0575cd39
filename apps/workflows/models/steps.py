"""The steps by which a draft of a workflow has come to be what it is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.triggers import guarded
from apps.workflows.models.life import Step
from apps.workflows.models.versions import GUARD_PART, Version


class DraftStep(Step):
    version = models.ForeignKey(Version, models.CASCADE, related_name="steps")

    class Meta:
        verbose_name = _("step of a draft")
        verbose_name_plural = _("steps of a draft")
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="workflows_step_number"),
            models.CheckConstraint(
                condition=models.Q(number__gt=0) | models.Q(is_undone=False), name="workflows_beginning_stays"
            ),
        ]
        triggers = guarded(GUARD_PART)
