from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.core.actions import VIEW_LEDGER
from apps.core.administration import ReadOnlyAdmin
from apps.core.models import LedgerEvent, LedgerEventQuerySet


@admin.register(LedgerEvent)
class LedgerEventAdmin(ReadOnlyAdmin):
    view_action = VIEW_LEDGER
    list_display = ["recorded_at", "kind", "subject_kind", "subject_id", "actor_id", "agent", "origin", "thread"]
    list_filter = ["kind", "origin"]
    search_fields = ["=thread", "=subject_id", "=erp_reference"]
    date_hierarchy = "recorded_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> LedgerEventQuerySet:
        actor = getattr(request, "actor", None)
        return LedgerEvent.objects.visible_to(actor, VIEW_LEDGER) if actor else LedgerEvent.objects.none()
