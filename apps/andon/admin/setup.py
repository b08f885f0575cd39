"""What exceptions there are, who owns which, and what a site has settled."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.andon.actions import CONFIGURE
from apps.andon.models import ExceptionType, OwnerRule, SiteRules
from apps.core.administration import HistoryAdmin
from apps.plant.administration import PlacedAdmin


@admin.register(ExceptionType)
class ExceptionTypeAdmin(HistoryAdmin):
    """Types are shipped, one for each category at least; a plant adds finer ones and changes them all."""

    view_action = change_action = CONFIGURE
    list_display = ["code", "__str__", "category", "severity", "impact", "policy"]
    list_filter = ["category", "severity", "impact", "policy"]
    search_fields = ["code"]
    filter_horizontal = ["resolution_codes"]
    list_select_related = ["policy"]


@admin.register(OwnerRule)
class OwnerRuleAdmin(HistoryAdmin):
    view_action = change_action = CONFIGURE
    list_display = ["type", "site", "area", "shift_code", "role"]
    list_filter = ["type", "role", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["type", "site", "area", "role"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Without its rule a type falls to the shift supervisor, so nothing is ever without an owner."""
        return self.has_change_permission(request, obj)


@admin.register(SiteRules)
class SiteRulesAdmin(PlacedAdmin):
    view_action = change_action = CONFIGURE
    list_display = ["site", "default_owner", "supervisor_role", "manager_role", "pages_per_person", "accept_minutes"]
    list_select_related = ["site", "default_owner", "supervisor_role", "manager_role"]
