"""What happened, for whoever looks it up: exceptions, problems, what the watchdog found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.andon.actions import VIEW_EXCEPTIONS
from apps.andon.models import FloorException, WatchRound
from apps.core.administration import ReadOnlyAdmin
from apps.plant.administration import actor_of


@admin.register(FloorException)
class FloorExceptionAdmin(ReadOnlyAdmin):
    view_action = VIEW_EXCEPTIONS
    list_display = ["raised_at", "__str__", "type", "status", "owner", "level", "deadline_at", "closed_at"]
    list_filter = ["status", "type", "severity", ("work_center", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["type", "owner", "site", "area", "work_center", "work_unit"]
    search_fields = ["=erp_reference", "=cause_key"]
    date_hierarchy = "raised_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return FloorException.objects.visible_to(actor_of(request))


@admin.register(WatchRound)
class WatchRoundAdmin(ReadOnlyAdmin):
    view_action = VIEW_EXCEPTIONS
    list_display = ["at", "findings"]
