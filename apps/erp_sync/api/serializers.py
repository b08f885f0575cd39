"""The shapes of what comes in: types only, what it means is judged by the commands. `key` is the row's in the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.erp_sync.api.fields import Flag, Key, Moment, Quantity, Strict, Text, Whole


class RowSerializer(Strict):
    key = Key()


class VersionedSerializer(RowSerializer):
    version = Text(max_length=80, required=False, allow_blank=True)
    version_at = Moment(required=False, allow_null=True)


class UnitIn(VersionedSerializer):
    code = Text(max_length=20)
    name = Text(max_length=80)
    category = Text(max_length=80)
    factor = Quantity(max_digits=24, decimal_places=12)
    digits = Whole(max_value=32767)


class ItemUnitIn(Strict):
    unit = Key()
    factor = Quantity(max_digits=24, decimal_places=12)


class ItemIn(VersionedSerializer):
    code = Text(max_length=60)
    name = Text(max_length=200)
    unit = Key()
    kind = Text(max_length=10, help_text='"made" or "bought"')
    lot_tracked = Flag(required=False)
    shelf_life_days = Whole(required=False, allow_null=True)
    active = Flag(required=False)
    units = ItemUnitIn(many=True, required=False)


class BomLineIn(Strict):
    item = Key()
    quantity = Quantity()
    unit = Key()
    position = Whole()
    operation_sequence = Whole(required=False, allow_null=True)


class BomIn(VersionedSerializer):
    item = Key()
    code = Text(max_length=60)
    quantity = Quantity()
    active = Flag(required=False)
    lines = BomLineIn(many=True)


class LocationIn(VersionedSerializer):
    code = Text(max_length=40)
    name = Text(max_length=120)
    kind = Text(max_length=10, help_text='"storage", "production", "scrap" or "quarantine"')
    active = Flag(required=False)


class LotIn(VersionedSerializer):
    item = Key()
    number = Text(max_length=80)
    blocked = Flag(required=False)
    expires_on = serializers.DateField(required=False, allow_null=True)


class StockIn(Strict):
    item = Key()
    location = Key()
    lot = Key(required=False, allow_blank=True)
    quantity = Quantity()
    unit = Key()
    version = Text(max_length=80, required=False, allow_blank=True)


class WorkUnitIn(RowSerializer):
    code = Text(max_length=20)
    name = Text(max_length=120)
    position = Whole(required=False, max_value=32767)


class WorkCenterIn(RowSerializer):
    code = Text(max_length=20)
    name = Text(max_length=120)
    area = Text(max_length=20, required=False, allow_blank=True)
    units = WorkUnitIn(many=True, required=False)


class RoutingStepIn(Strict):
    key = Key(required=False, allow_blank=True)
    sequence = Whole()
    name = Text(max_length=120)
    work_center = Key()
    work_unit = Key(required=False, allow_blank=True)
    set_up_minutes = Quantity(max_digits=10, decimal_places=3, required=False, allow_null=True)
    run_minutes_per_piece = Quantity(max_digits=12, required=False, allow_null=True)
    transfer_quantity = Quantity(required=False, allow_null=True)
    is_count_point = Flag(required=False, allow_null=True)


class RoutingIn(VersionedSerializer):
    item = Key()
    code = Text(max_length=60)
    active = Flag(required=False)
    steps = RoutingStepIn(many=True)


class OrderOperationIn(Strict):
    key = Key(required=False, allow_blank=True)
    sequence = Whole()
    work_unit = Key(required=False, allow_blank=True)


class WorkOrderIn(VersionedSerializer):
    number = Text(max_length=40)
    item = Key()
    quantity = Quantity()
    unit = Key(required=False, allow_blank=True)
    due_at = Moment(allow_null=True)
    priority = Whole(required=False, max_value=32767)
    customer = Text(max_length=200, required=False, allow_blank=True)
    routing = Key(required=False, allow_blank=True)
    bom = Key(required=False, allow_blank=True)
    cancelled = Flag(required=False)
    receipt_location = Key(required=False, allow_blank=True)
    operations = OrderOperationIn(many=True, required=False)


class CommitDateIn(VersionedSerializer):
    due_at = Moment()


class ResultOut(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    key = serializers.CharField()
    outcome = serializers.ChoiceField(["created", "updated", "unchanged", "stale", "rejected"])
    field = serializers.CharField()
    sentence = serializers.CharField()


class ReportOut(serializers.Serializer[Any]):
    """`written` false: a dry run, or a row was rejected and all or none was asked."""

    mode = serializers.ChoiceField(["all", "each"])
    dry_run = serializers.BooleanField()
    written = serializers.BooleanField()
    counts = serializers.DictField(child=serializers.IntegerField())
    results = ResultOut(many=True)


class ProblemOut(serializers.Serializer[Any]):
    """RFC 9457; `results` and `counts` as in a report, where rows were looked at."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    results = ResultOut(many=True, required=False)
    counts = serializers.DictField(child=serializers.IntegerField(), required=False)


def text(value: Decimal | None) -> str | None:
    """A quantity in an answer: exact, without exponent or trailing zeros."""
    return None if value is None else f"{value.normalize():f}"
