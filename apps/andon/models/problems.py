"""The same cause again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Max, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.andon.actions import VIEW_EXCEPTIONS
from apps.andon.causes import cause_kind
from apps.andon.models.types import ExceptionType
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.plant.models import Site


class ProblemQuerySet(models.QuerySet["Problem"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def visible_to(self, actor: Actor, action: Action = VIEW_EXCEPTIONS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))

    def with_cases(self, now: datetime) -> Self:
        """`case_count`, and `time_lost`: how long its causes were there, up to `now` where one is still."""
        ended = Coalesce("cases__cause_ended_at", "cases__resolved_at", "cases__closed_at", Value(now))
        return self.annotate(
            case_count=models.Count("cases"),
            time_lost=Coalesce(Sum(ended - F("cases__raised_at")), Value(timedelta(0))),
        )

    def quiet_since(self, now: datetime) -> Self:
        """The open ones whose cause is gone, and has stayed away for as long as their type asks."""
        went = Coalesce(Max(Coalesce("cases__cause_ended_at", "cases__closed_at")), "last_case_at")
        rows = self.open().annotate(went_at=went, still_there=models.Count("cases", filter=Q(cases__closed_at=None)))
        quiet = models.ExpressionWrapper(
            Value(timedelta(days=1)) * F("type__quiet_days"), output_field=models.DurationField()
        )
        return rows.filter(still_there=0, went_at__lte=Value(now) - quiet)


class Problem(models.Model):
    """One per cause while it is open; its cases are the exceptions. It closes when the cause stayed away.

    cause_key  what its cases recur as    facts  for its name, by the cause kind
    note  what is known and done about it; free text: erasable, without history
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    type = models.ForeignKey(ExceptionType, models.PROTECT, related_name="problems", verbose_name=_("type"))
    cause_kind = models.CharField(max_length=30)
    cause_key = models.CharField(max_length=80)
    facts = models.JSONField(default=dict, editable=False)
    owner = models.ForeignKey("plant.Person", models.PROTECT, related_name="+", verbose_name=_("owner"))
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    last_case_at = models.DateTimeField(_("last case"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    note = models.TextField(_("note"), blank=True)

    site_id: int
    type_id: int
    owner_id: int
    case_count: int
    time_lost: timedelta
    history = History(excluded_fields=["note"])
    objects = ProblemQuerySet.as_manager()

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problems")
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "type", "cause_kind", "cause_key"],
                condition=Q(closed_at=None),
                name="one_open_problem_per_cause",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type}: {cause_kind(self.cause_kind).again(self)}"

    @property
    def scope(self) -> Scope:
        return self.site.scope
