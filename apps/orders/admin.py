"""Standard work on the engineers' pages: a draft is written here, the commands publish, copy and retire it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline

from apps.core.errors import CommandRefused
from apps.orders.actions import DECIDE_CHANGE, EDIT_STANDARD_WORK, REQUEST_CHANGE, VIEW_ORDERS
from apps.orders.commands import (
    apply_change,
    copy_master,
    publish_master,
    refuse_change,
    request_change,
    retire_master,
    take_change_step,
)
from apps.orders.models import ChangeRequest, MasterStep, PendingChange, WorkMaster
from apps.plant.administration import CommandAdmin, InlineMixin, PlacedAdmin, WithReason, by
from apps.workflows.administration import ItemAdmin
from apps.workflows.definition import word
from apps.workflows.people import person_name, person_names


class MasterStepInline(InlineMixin, StackedInline):
    """Open while the standard work is a draft; the database would refuse it later as well."""

    model = MasterStep
    view_action = VIEW_ORDERS
    change_action = EDIT_STANDARD_WORK
    ordering = ["position"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_draft) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(PendingChange)
class PendingChangeAdmin(CommandAdmin):
    """What the ERP wants of orders that have begun: applied or refused here, the open ones first."""

    view_action = VIEW_ORDERS
    change_action = DECIDE_CHANGE
    list_display = ["work_order", "field", "old", "new", "state", "received_at", "source", "decided_at", "reason"]
    list_filter = ["state", "field"]
    search_fields = ["work_order__number"]
    list_select_related = ["work_order__site"]
    ordering = ["-state", "-received_at"]
    action_form = WithReason
    actions = ["apply", "refuse"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, DECIDE_CHANGE)

    @admin.action(description=_("Apply: the order becomes as the ERP wants it"), permissions=["decide"])
    def apply(self, request: HttpRequest, queryset: QuerySet[PendingChange]) -> None:
        self.each(request, queryset, apply_change, "change_id")

    @admin.action(description=_("Refuse, for the reason given: the order stays as it is"), permissions=["decide"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[PendingChange]) -> None:
        self.each(request, queryset, refuse_change, "change_id", reason=request.POST.get("reason", ""))


@admin.register(WorkMaster)
class WorkMasterAdmin(PlacedAdmin):
    view_action = VIEW_ORDERS
    change_action = EDIT_STANDARD_WORK
    list_display = ["item", "operation_name", "site", "number", "status", "published_at"]
    list_filter = ["status", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["item__code", "operation_name"]
    list_select_related = ["item", "site"]
    readonly_fields = ["number", "status", "published_at"]
    inlines = [MasterStepInline]
    actions: Any = ["publish", "copy", "retire"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: WorkMaster, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        if not change:
            obj.number = WorkMaster.objects.next_number(
                item_id=obj.item_id, operation_name=obj.operation_name, site_id=obj.site_id
            )
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Publish: operations released from now run by it"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[WorkMaster]) -> None:
        self._each(request, queryset, publish_master)

    @admin.action(description=_("Copy to a draft"), permissions=["change"])
    def copy(self, request: HttpRequest, queryset: QuerySet[WorkMaster]) -> None:
        self._each(request, queryset, copy_master)

    @admin.action(description=_("Retire"), permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[WorkMaster]) -> None:
        self._each(request, queryset, retire_master)

    def _each(self, request: HttpRequest, rows: QuerySet[WorkMaster], command: Any) -> None:
        for key in rows.values_list("pk", flat=True):
            try:
                command(*by(request), master_id=key)
            except CommandRefused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _now("Done."))


@admin.register(ChangeRequest)
class ChangeRequestAdmin(ItemAdmin):
    """Asked for here, and taken step by step by whom the workflow names; nobody edits what was asked for."""

    view_action = VIEW_ORDERS
    change_action = REQUEST_CHANGE
    take_step = take_change_step
    item_name = "request_id"
    list_display = ["__str__", "item", "status", "site", "work_center", "requested_at"]
    list_filter = ["status", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["item", "site", "work_center"]
    search_fields = ["title", "=item__code"]
    date_hierarchy = "requested_at"
    show_full_result_count = False
    autocomplete_fields = ["item"]
    fields = ["site", "item", "work_center", "title", "reason"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChangeRequest]:
        rows: QuerySet[ChangeRequest] = super().get_queryset(request)
        return rows.select_related("workflow_version", "site", "item", "work_center__site", "work_center__area")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return [*self.fields, "asked_by", "requested_at", "written"] if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    @admin.display(description=_("asked for by"))
    def asked_by(self, request: ChangeRequest) -> str:
        return person_name(request.requested_by_id)

    @admin.display(description=_("written at the steps"))
    def written(self, request: ChangeRequest) -> SafeString:
        notes = list(request.notes.all())
        names = person_names({note.written_by_id for note in notes if note.written_by_id})
        lines = [(word(note.labels), note.text, names.get(note.written_by_id or 0, "")) for note in notes]
        return format_html_join("", '<p class="mb-2">{}: <b>{}</b> ({})</p>', lines)

    def save_model(self, request: HttpRequest, obj: ChangeRequest, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        obj.pk = request_change(
            *by(request),
            site_id=obj.site_id,
            item_id=obj.item_id,
            work_center_id=obj.work_center_id,
            title=obj.title,
            reason=obj.reason,
        )
        obj.refresh_from_db()
