"""What happens again and again: whose it is, until when, how much it has cost, and its cases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from apps.andon.actions import ANSWER, VIEW_EXCEPTIONS
from apps.andon.commands import give_problem, note_problem, set_problem_due
from apps.andon.models import FloorException, Problem
from apps.andon.models.problems import ProblemQuerySet
from apps.core import clock
from apps.core.administration import HistoryAdmin
from apps.plant.administration import CommandAdmin, InlineMixin, by


class CaseInline(InlineMixin, TabularInline):
    model = FloorException
    verbose_name_plural = _("cases")
    view_action = VIEW_EXCEPTIONS
    change_action = None  # type: ignore[assignment]  # cases come from commands only
    fields = ["raised_at", "headline", "status", "owner", "closed_at"]
    readonly_fields = fields
    ordering = ["-raised_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Problem)
class ProblemAdmin(HistoryAdmin, CommandAdmin):
    view_action = VIEW_EXCEPTIONS
    change_action = ANSWER
    list_display = ["__str__", "site", "owner", "opened_at", "due_at", "case_count", "minutes_lost", "closed_at"]
    list_filter = [("site", admin.RelatedOnlyFieldListFilter), "type", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["site", "owner", "type"]
    ordering = ["closed_at", "due_at"]
    readonly_fields = [
        *("type", "site", "cause_kind", "cause_key", "opened_at", "last_case_at", "case_count", "minutes_lost"),
        "closed_at",
    ]
    fields = [*readonly_fields, "owner", "due_at", "note"]
    inlines = [CaseInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: ProblemQuerySet = super().get_queryset(request)  # type: ignore[assignment]  # the model's own
        return rows.with_cases(clock.now())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is closed stays as it was."""
        return not (obj and obj.closed_at) and super().has_change_permission(request, obj)

    @admin.display(description=_("cases"), ordering="case_count")
    def case_count(self, row: Problem) -> int:
        return row.case_count

    @admin.display(description=_("minutes lost"), ordering="time_lost")
    def minutes_lost(self, row: Problem) -> int:
        return int(row.time_lost.total_seconds() // 60)

    def save_model(self, request: HttpRequest, obj: Problem, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        """The owner last: whoever gives it away may not change it afterwards."""
        if "due_at" in form.changed_data:
            set_problem_due(*by(request), problem_id=obj.pk, due_at=obj.due_at)
        if "note" in form.changed_data:
            note_problem(*by(request), problem_id=obj.pk, text=obj.note)
        if "owner" in form.changed_data:
            give_problem(*by(request), problem_id=obj.pk, person_id=obj.owner_id)
