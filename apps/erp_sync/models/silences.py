"""When an ERP could not be read, and why."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.erp_sync.models.intake import Linked, LinkedQuerySet


class SilenceQuerySet(LinkedQuerySet):
    def open(self) -> Self:
        return self.filter(ended_at=None)


class Silence(Linked):
    """Not one reading of the ERP has succeeded in [since, ended_at). One too short to call somebody is not kept.

    answers  it was reached and refused, or its connector failed: postings may get through all the same
    Times are the database's own, as those of postings are.
    """

    since = models.DateTimeField(_("since"), db_default=Now())
    ended_at = models.DateTimeField(_("until"), null=True)
    answers = models.BooleanField(default=False)
    problem = models.TextField(_("can't be read because"))

    objects = SilenceQuerySet.as_manager()  # type: ignore[misc]  # of an abstract base

    class Meta:
        verbose_name = _("silence of an ERP")
        verbose_name_plural = _("silences of ERPs")
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["link"], condition=Q(ended_at=None), name="one_open_silence_per_erp"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("since")), name="silence_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return self.problem
