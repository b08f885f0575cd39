"""Working times on the pages of who answers for them: read, and corrected by the command."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from apps.core.administration import HistoryAdmin
from apps.labor.actions import CORRECT_TIME, VIEW_LABOR
from apps.labor.commands import correct_time_entry
from apps.labor.models import TimeEntry
from apps.plant.administration import CommandAdmin, by


@admin.register(TimeEntry)
class TimeEntryAdmin(HistoryAdmin, CommandAdmin):
    view_action = VIEW_LABOR
    change_action = CORRECT_TIME
    list_display = ["started_at", "ended_at", "person", "job_order", "phase", "closed_by", "flagged"]
    list_filter = ["flagged", "closed_by", "phase", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["=job_order__work_order__number"]
    list_select_related = ["person", "job_order__work_order"]
    date_hierarchy = "started_at"
    show_full_result_count = False
    fields = [
        *("person", "job_order", "phase", "started_at", "ended_at", "last_evidence_at", "closed_by", "flagged"),
        "correction_reason",
    ]
    readonly_fields = ["person", "job_order", "phase", "last_evidence_at", "closed_by", "flagged"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Time that goes on is not corrected."""
        return not (obj and obj.ended_at is None) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: TimeEntry, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        correct_time_entry(
            *by(request),
            entry_id=obj.pk,
            started_at=obj.started_at,
            ended_at=form.cleaned_data["ended_at"] or obj.started_at,
            reason=obj.correction_reason,
        )
