"""Why an operation can't run, wholly or from a quantity on."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.numbers import plain
from apps.workflows.definition import word


class BlockerKind(models.TextChoices):
    PREDECESSOR = "predecessor", _("waits for the operation before")
    MATERIAL = "material", _("material is short")
    STOPPED = "stopped", _("stopped by a rule or a step")


# These follow from what has come and what is there; the others stand until somebody says so.
COMPUTED = (BlockerKind.PREDECESSOR, BlockerKind.MATERIAL)


class BlockerQuerySet(models.QuerySet["Blocker"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def nearest_first(self) -> Self:
        """The open ones, what stops most before what stops later."""
        return self.open().order_by("from_quantity")

    def nearest_due_first(self) -> Self:
        """The open ones, by the dates of their orders."""
        return self.open().order_by(models.F("job_order__work_order__due_at").asc(nulls_last=True), "pk")


class Blocker(models.Model):
    """`from_quantity`: so many pieces can be made, the next one can't; 0: nothing at all.

    facts      for the sentence: {"operation": 30, "received": "8"}, {"item": "MS-40", "short": "4"},
               {"say": {"en": "Check the seal"}, "because": "Three leaks"}
    cause_key  what is the matter, where other operations may have the same: id of the item that is short
    exception  the open exception that owns it; the operation before needs nobody, its own work goes on
    runs_to    somebody has decided that the work goes on up to there; None again when it can't go as far any more
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="blockers")
    kind = models.CharField(_("kind"), max_length=20, choices=BlockerKind.choices)
    from_quantity = QuantityField(_("from piece"))
    facts = models.JSONField(default=dict)
    cause_key = models.CharField(max_length=80, blank=True)
    exception = models.ForeignKey(
        "andon.FloorException", models.PROTECT, null=True, related_name="blockers", verbose_name=_("exception")
    )
    runs_to = QuantityField(_("runs to"), null=True)
    opened_at = models.DateTimeField(_("since"))
    closed_at = models.DateTimeField(_("until"), null=True)

    site_id: int
    job_order_id: int
    exception_id: int | None
    objects = BlockerQuerySet.as_manager()

    class Meta:
        verbose_name = _("blocker")
        verbose_name_plural = _("blockers")
        constraints = [
            models.UniqueConstraint(
                fields=["job_order", "kind"], condition=Q(closed_at=None), name="one_open_blocker_of_a_kind"
            ),
            models.CheckConstraint(condition=Q(from_quantity__gte=0), name="blocker_quantity_not_negative"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=False) | Q(kind="predecessor") | Q(exception__isnull=False),
                name="open_blocker_has_an_exception",
            ),
            models.CheckConstraint(
                condition=Q(runs_to=None) | Q(runs_to__gt=0, runs_to__lte=models.F("from_quantity")),
                name="blocker_runs_as_far_as_it_can",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=models.F("opened_at")), name="blocker_closes_later"
            ),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The cause, for the operator."""
        if self.kind == BlockerKind.MATERIAL:
            return " ".join([_now("%(short)s %(unit)s of %(item)s are short.") % self.facts, self._what_comes]).strip()
        if self.kind == BlockerKind.STOPPED:
            return _now("%(say)s (%(because)s)") % {**self.facts, "say": word(self.facts["say"])}
        if self.from_quantity:
            sentence = _now("Operation %(operation)s has sent on %(received)s so far.")
        else:
            sentence = _now("Operation %(operation)s has sent on nothing yet.")
        return sentence % dict(self.facts)

    @property
    def _what_comes(self) -> str:
        """Of material that is short: what a supplier is to bring next."""
        if "coming" not in self.facts:
            return ""
        day = self.facts["day"]
        given = {**self.facts, "day": date_format(date.fromisoformat(day), "MONTH_DAY_FORMAT") if day else ""}
        if day:
            return _now("%(coming)s %(unit)s are to come on %(day)s (%(document)s).") % given
        return _now("%(coming)s %(unit)s are ordered, without a date (%(document)s).") % given

    @property
    def reach(self) -> str:
        """How far the operation can go in spite of it: "Can make 20 of 24"."""
        if not self.from_quantity:
            return _now("Can't run")
        if self.runs_to is not None:
            return _now("Runs to %(possible)s of %(quantity)s") % {
                "possible": plain(self.runs_to),
                "quantity": plain(self.job_order.quantity),
            }
        return _now("Can make %(possible)s of %(quantity)s") % {
            "possible": plain(self.from_quantity),
            "quantity": plain(self.job_order.quantity),
        }
