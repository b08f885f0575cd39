from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.administration import ReadOnlyAdmin
from apps.plant.administration import actor_of
from apps.shifts.actions import SET_TARGET
from apps.shifts.models import ShiftTarget


@admin.register(ShiftTarget)
class ShiftTargetAdmin(ReadOnlyAdmin):
    """Every version of every target; the line's page sets one."""

    view_action = SET_TARGET
    list_display = ["shift_date", "work_center", "shift_code", "version", "quantity", "set_at", "set_by_id", "note"]
    list_filter = [("work_center", admin.RelatedOnlyFieldListFilter), "shift_code"]
    list_select_related = ["work_center"]
    date_hierarchy = "shift_date"

    def get_queryset(self, request: HttpRequest) -> Any:
        return ShiftTarget.objects.visible_to(actor_of(request))
