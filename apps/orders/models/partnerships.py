"""Who works together on an operation: somebody qualified, with somebody who is not."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.fields import TsTzRange


class PartedBy(models.TextChoices):
    """One of them said so; the operation is over; or the partner is no longer at it: gone, or clocked off."""

    PERSON = "person", _("person")
    JOB = "job", _("operation")
    ABSENCE = "absence", _("absence")


class PartnershipQuerySet(models.QuerySet["Partnership"]):
    def open(self) -> Self:
        return self.filter(ended_at=None)

    def lasting_at(self, at: datetime) -> Self:
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=at), started_at__lte=at)


class Partnership(models.Model):
    """A partner works together with others on an operation, [started_at, ended_at); open while it goes on.

    person    who lends the qualification, and has agreed to it      asked_by  who lacked one when it began
    proof     command id of the sign-in by which the partner gave badge and PIN; used once
    ended_by  why it is over
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="partnerships")
    person = models.ForeignKey("plant.Person", models.PROTECT, related_name="partnerships", verbose_name=_("partner"))
    asked_by = models.ForeignKey("plant.Person", models.PROTECT, related_name="+", verbose_name=_("asked by"))
    proof = models.UUIDField(unique=True)
    started_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("until"), null=True)
    ended_by = models.CharField(_("ended by"), max_length=7, choices=PartedBy.choices, blank=True)

    site_id: int
    job_order_id: int
    person_id: int
    asked_by_id: int
    objects = PartnershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("partnership")
        verbose_name_plural = _("partnerships")
        ordering = ["started_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(person=F("asked_by")), name="partner_is_another"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="partnership_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | Q(ended_at__isnull=False, ended_by__in=PartedBy.values),
                name="partnership_end_has_cause",
            ),
            models.UniqueConstraint(
                fields=["job_order", "person"], condition=Q(ended_at=None), name="partnership_open_once"
            ),
            ExclusionConstraint(
                name="partnership_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("job_order", RangeOperators.EQUAL),
                    ("person", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [models.Index(fields=["person"], name="partnership_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.person_id} {self.job_order_id} {self.started_at:%Y-%m-%d %H:%M}"
