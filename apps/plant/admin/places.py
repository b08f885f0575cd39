from __future__ import annotations

from django.contrib import admin

from apps.plant.administration import PlacedAdmin
from apps.plant.models import Area, ReasonCode, Site, WorkCenter, WorkUnit


@admin.register(Site)
class SiteAdmin(PlacedAdmin):
    list_display = ["code", "name", "timezone", "erp_key"]
    search_fields = ["code", "name"]


@admin.register(Area)
class AreaAdmin(PlacedAdmin):
    list_display = ["code", "name", "site"]
    list_filter = [("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["code", "name"]
    list_select_related = ["site"]


@admin.register(WorkCenter)
class WorkCenterAdmin(PlacedAdmin):
    list_display = ["code", "name", "kind", "area", "site", "calendar"]
    list_filter = [("site", admin.RelatedOnlyFieldListFilter), "kind"]
    search_fields = ["code", "name", "erp_key"]
    list_select_related = ["area", "site", "calendar"]


@admin.register(WorkUnit)
class WorkUnitAdmin(PlacedAdmin):
    list_display = ["code", "name", "work_center", "position"]
    list_filter = [("work_center", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["code", "name", "erp_key"]
    list_select_related = ["work_center"]


@admin.register(ReasonCode)
class ReasonCodeAdmin(PlacedAdmin):
    list_display = ["__str__", "code", "purpose", "parent", "active"]
    list_filter = ["purpose", "active"]
    search_fields = ["code", "labels"]
    list_select_related = ["parent"]
