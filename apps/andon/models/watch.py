"""What the watchdog found, at each of its rounds."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class WatchRound(models.Model):
    """`findings`: [{"rule": "no_timer", "exceptions": [12, 13], "count": 2}, ...]; empty: all is well."""

    at = models.DateTimeField(_("at"))
    findings = models.JSONField(_("findings"), default=list)

    class Meta:
        verbose_name = _("round of the watchdog")
        verbose_name_plural = _("rounds of the watchdog")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M} {len(self.findings)}"
