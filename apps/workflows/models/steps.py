"""The steps by which a draft has come to be what it is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.triggers import guarded
from apps.workflows.models.versions import GUARD_PART, Version


class DraftStep(models.Model):
    """The draft after one edit; number 0 is what it began with. What is undone can be redone until the next edit."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField(_("number"))
    label = models.CharField(_("what was done"), max_length=200, blank=True)
    definition = models.JSONField(_("definition"))
    person_id = models.BigIntegerField(_("by"), null=True)
    at = models.DateTimeField(_("at"))
    is_undone = models.BooleanField(_("undone"), default=False)

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

    def __str__(self) -> str:
        return self.label
