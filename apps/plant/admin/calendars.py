from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.plant.administration import PlacedAdmin, PlacedInline
from apps.plant.models import Holiday, ShiftPattern, WorkCalendar


class ShiftInline(PlacedInline):
    """A shift that is no more gets a last day; to delete it would take away the past."""

    model = ShiftPattern


class HolidayInline(PlacedInline):
    model = Holiday

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(WorkCalendar)
class WorkCalendarAdmin(PlacedAdmin):
    list_display = ["name", "site", "is_default"]
    list_select_related = ["site"]
    inlines = [ShiftInline, HolidayInline]
