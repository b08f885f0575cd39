from __future__ import annotations

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import JSONField, Model
from django.http import HttpRequest
from unfold.admin import StackedInline, TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.plant.administration import InlineMixin, PlacedAdmin
from apps.plant.models import Holiday, ShiftPattern, WorkCalendar


class ShiftInline(InlineMixin, StackedInline):
    """A shift that is no more gets a last day; to delete it would take away the past."""

    model = ShiftPattern
    fields = [("code", "name"), "weekdays", ("starts_at", "ends_at"), "breaks", ("valid_from", "valid_until")]
    formfield_overrides = {
        ArrayField: {"widget": UnfoldAdminTextInputWidget},
        JSONField: {"widget": UnfoldAdminTextInputWidget},
    }


class HolidayInline(InlineMixin, TabularInline):
    model = Holiday

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(WorkCalendar)
class WorkCalendarAdmin(PlacedAdmin):
    list_display = ["name", "site", "is_default"]
    list_select_related = ["site"]
    inlines = [ShiftInline, HolidayInline]
