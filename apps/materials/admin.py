"""Material on the engineers' pages: what the ERP sends is shown, what is ours is changed by commands."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import TabularInline

from apps.core.administration import HistoryAdmin, ReadOnlyAdmin, RightsMixin
from apps.core.errors import CommandRefused
from apps.materials.actions import MANAGE_MATERIALS, VIEW_MATERIALS
from apps.materials.commands import (
    ItemRow,
    ItemUnitRow,
    LocationRow,
    UnitRow,
    set_location_policy,
    upsert_items,
    upsert_locations,
    upsert_units,
)
from apps.materials.commands.erp_rows import Outcome, Report
from apps.materials.models import (
    Bom,
    BomLine,
    Item,
    ItemUnit,
    Location,
    Lot,
    LotLink,
    Movement,
    MovementPosting,
    StockSnapshot,
    Unit,
)
from apps.plant.administration import CommandAdmin, by


def take(row: Any, report: Report) -> None:
    """The form's row is the one that the command wrote.  Raises CommandRefused for one that was rejected."""
    (told,) = report.rows
    if told.outcome == Outcome.REJECTED:
        raise CommandRefused("rejected", told.sentence)
    row.pk = told.row_id


class MaterialAdmin(HistoryAdmin, CommandAdmin):
    """`code` says which row of ours is meant, so it stays as it was first typed."""

    view_action = VIEW_MATERIALS
    change_action = MANAGE_MATERIALS

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list({*super().get_readonly_fields(request, obj), *(["code"] if obj else [])})


class OnlyOursMixin(RightsMixin):
    """A row of the ERP is shown and nothing else: it has no field of ours."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.is_erps) and super().has_change_permission(request, obj)


class ShownInline(RightsMixin, TabularInline):
    view_action = VIEW_MATERIALS
    extra = 0


@admin.register(Unit)
class UnitAdmin(OnlyOursMixin, MaterialAdmin):
    list_display = ["code", "name", "category", "factor", "digits", "erp_key"]
    list_filter = ["category"]
    search_fields = ["code", "name"]

    def save_model(self, request: HttpRequest, obj: Unit, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        row = UnitRow(code=obj.code, name=obj.name, category=obj.category, factor=obj.factor, digits=obj.digits)
        take(obj, upsert_units(*by(request), rows=[row]))


class ItemUnitInline(ShownInline):
    model = ItemUnit


@admin.register(Item)
class ItemAdmin(OnlyOursMixin, MaterialAdmin):
    list_display = ["code", "name", "kind", "unit", "lot_tracked", "active", "erp_key"]
    list_filter = ["kind", "lot_tracked", "active"]
    search_fields = ["code", "name", "=erp_key"]
    list_select_related = ["unit"]
    inlines = [ItemUnitInline]

    def save_model(self, request: HttpRequest, obj: Item, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        units = obj.units.select_related("unit") if obj.pk else []
        row = ItemRow(
            code=obj.code,
            name=obj.name,
            unit=obj.unit.code,
            kind=obj.kind,
            lot_tracked=obj.lot_tracked,
            shelf_life_days=obj.shelf_life_days,
            active=obj.active,
            units=tuple(ItemUnitRow(unit=each.unit.code, factor=each.factor) for each in units),
        )
        take(obj, upsert_items(*by(request), rows=[row]))


@admin.register(Location)
class LocationAdmin(MaterialAdmin):
    list_display = ["code", "name", "kind", "site", "may_go_negative", "active", "erp_key"]
    list_filter = [("site", admin.RelatedOnlyFieldListFilter), "kind", "active"]
    search_fields = ["code", "name", "=erp_key"]
    list_select_related = ["site"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list({*super().get_readonly_fields(request, obj), *(["site"] if obj else [])})

    def save_model(self, request: HttpRequest, obj: Location, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        may_go_negative = obj.may_go_negative
        if not obj.is_erps:
            row = LocationRow(code=obj.code, name=obj.name, kind=obj.kind, active=obj.active)
            take(obj, upsert_locations(*by(request), site_id=obj.site_id, rows=[row]))
        set_location_policy(*by(request), location_id=obj.pk, may_go_negative=may_go_negative)


class MaterialPage(ReadOnlyAdmin):
    view_action = VIEW_MATERIALS
    show_full_result_count = False


class BomLineInline(ShownInline):
    model = BomLine


@admin.register(Bom)
class BomAdmin(MaterialPage):
    list_display = ["item", "code", "quantity", "active", "erp_key"]
    list_filter = ["active"]
    search_fields = ["code", "item__code"]
    list_select_related = ["item"]
    inlines = [BomLineInline]


@admin.register(Lot)
class LotAdmin(MaterialPage):
    list_display = ["number", "item", "status", "blocked_in_erp", "expires_on", "erp_key"]
    list_filter = ["status", "blocked_in_erp"]
    search_fields = ["number", "item__code", "=erp_key"]
    list_select_related = ["item"]


class SitedPage(MaterialPage):
    """Rows of the sites where the person may see material."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).visible_to(request.actor)  # type: ignore[attr-defined]  # as in by()


@admin.register(Movement)
class MovementAdmin(SitedPage):
    list_display = ["occurred_at", "kind", "item", "lot", "quantity", "unit", "from_location", "to_location", "for_id"]
    list_filter = ["kind", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["item__code", "lot__number", "=for_id", "=thread"]
    list_select_related = ["item", "lot", "unit", "from_location", "to_location"]
    date_hierarchy = "occurred_at"


@admin.register(StockSnapshot)
class StockSnapshotAdmin(SitedPage):
    list_display = ["item", "location", "lot", "quantity", "unit", "as_of", "site"]
    list_filter = [("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["item__code", "location__code", "lot__number"]
    list_select_related = ["item", "location", "lot", "unit", "site"]


@admin.register(MovementPosting)
class MovementPostingAdmin(SitedPage):
    list_display = ["posted_at", "erp_reference", "movement"]
    search_fields = ["=erp_reference"]
    list_select_related = ["movement"]


@admin.register(LotLink)
class LotLinkAdmin(SitedPage):
    list_display = ["consumed_lot", "produced_lot", "quantity", "for_kind", "for_id"]
    search_fields = ["consumed_lot__number", "produced_lot__number", "=for_id"]
    list_select_related = ["consumed_lot", "produced_lot"]
