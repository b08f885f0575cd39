"""Machines, their stops and their signals on the engineers' pages; stops are explained on the floor."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import ManyToManyField, Model
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.core.administration import HistoryAdmin, ReadOnlyAdmin
from apps.equipment.actions import MANAGE_MACHINES, VIEW_MACHINES
from apps.equipment.intake.trying import tried
from apps.equipment.models import (
    Downtime,
    DowntimePart,
    Machine,
    MachineNow,
    MaintenanceRequest,
    QuarantinedSignal,
    SignalMapping,
    SignalSource,
    StateInterval,
)
from apps.plant.administration import PlacedAdmin, PlacedMixin, actor_of
from apps.plant.models import Purpose, ReasonCode


class ReadPlaced(PlacedMixin, ReadOnlyAdmin):
    """Of the places that a person sees; written by commands and signals."""

    view_action = VIEW_MACHINES
    change_action = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


class ReadPlacedWithHistory(PlacedMixin, HistoryAdmin, ReadOnlyAdmin):
    view_action = VIEW_MACHINES
    change_action = None
    show_full_result_count = False


class ManagedPlaced(PlacedAdmin):
    view_action = VIEW_MACHINES
    change_action = MANAGE_MACHINES


@admin.register(Machine)
class MachineAdmin(ManagedPlaced):
    list_display = ["work_unit", "micro_stop_seconds", "silence_seconds", "raises_exceptions"]
    list_select_related = ["work_unit__work_center"]
    search_fields = ["work_unit__code", "work_unit__name"]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        kwargs["queryset"] = ReasonCode.objects.choosable(Purpose.DOWNTIME)
        field: ModelMultipleChoiceField[Any] | None = super().formfield_for_manytomany(db_field, request, **kwargs)
        return field


@admin.register(MachineNow)
class MachineNowAdmin(ReadPlaced):
    list_display = ["work_unit", "state", "since", "heard_until", "word_of"]
    list_filter = ["state"]
    list_select_related = ["work_unit"]


@admin.register(StateInterval)
class StateIntervalAdmin(ReadPlaced):
    list_display = ["started_at", "ended_at", "work_unit", "state", "word_of"]
    list_filter = ["state", ("work_unit", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["work_unit"]
    date_hierarchy = "started_at"


@admin.register(Downtime)
class DowntimeAdmin(ReadPlacedWithHistory):
    list_display = ["started_at", "ended_at", "work_unit", "withdrawn_at", "raised_at", "call_due_at"]
    list_filter = [("work_unit", admin.RelatedOnlyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["work_unit"]
    date_hierarchy = "started_at"


@admin.register(DowntimePart)
class DowntimePartAdmin(ReadPlacedWithHistory):
    """With the filter on no reason: the stops that nobody has explained."""

    list_display = ["started_at", "ended_at", "unit", "reason", "classified_at"]
    list_filter = [("reason", admin.EmptyFieldListFilter), ("reason", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["downtime__work_unit", "reason"]
    date_hierarchy = "started_at"

    @admin.display(description=_("work unit"))
    def unit(self, row: DowntimePart) -> str:
        return str(row.downtime.work_unit)


@admin.register(MaintenanceRequest)
class MaintenanceRequestAdmin(ReadPlacedWithHistory):
    list_display = ["requested_at", "work_unit", "status", "arrived_at", "cause", "done_at"]
    list_filter = ["status", ("work_unit", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["work_unit", "cause"]


@admin.register(SignalSource)
class SignalSourceAdmin(ManagedPlaced):
    list_display = ["code", "site", "transport", "address", "active", "connected_at", "last_heard_at", "last_error"]
    list_filter = ["transport", "active"]
    list_select_related = ["site"]
    readonly_fields = ["connected_at", "last_heard_at", "last_error"]


@admin.register(SignalMapping)
class SignalMappingAdmin(ManagedPlaced):
    list_display = ["tag", "source", "work_unit", "meaning", "counter", "active"]
    list_filter = ["meaning", "active", ("source", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["source", "work_unit"]
    search_fields = ["tag"]
    actions_list = ["try_signal"]

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Try a signal"), url_path="try", permissions=["view"]
    )
    def try_signal(self, request: HttpRequest) -> HttpResponse:
        """Takes nothing: shows what a signal would become, and the last ones that came."""
        sources = list(SignalSource.objects.visible_to(actor_of(request), VIEW_MACHINES).select_related("site"))
        chosen = next((each for each in sources if str(each.pk) == request.GET.get("source")), None)
        source = chosen or (sources[0] if sources else None)
        tag, payload = request.GET.get("tag", ""), request.GET.get("payload", "")
        recent = source.recent if source else []
        return TemplateResponse(
            request,
            "equipment/try_signal.html",
            {
                **self.admin_site.each_context(request),
                "title": _now("What a signal would become"),
                "opts": self.opts,
                "sources": sources,
                "source": source,
                "tag": tag,
                "payload": payload,
                "results": tried(source, tag, payload) if source and tag else [],
                "recent": [(each, tried(source, each["tag"], each["payload"])) for each in recent if source],
            },
        )


@admin.register(QuarantinedSignal)
class QuarantinedSignalAdmin(ReadPlaced):
    list_display = ["received_at", "source", "doubt", "tag", "payload", "at", "count"]
    list_filter = ["doubt", ("source", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["source"]
    search_fields = ["tag"]
