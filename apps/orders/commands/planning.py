"""What an order's operations are made of: a routing and a parts list; reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.materials.commands.erp_rows import Rejected
from apps.materials.conversion import CannotConvert, convert
from apps.materials.models import Bom, Item
from apps.orders.commands.release import Need, Operation
from apps.orders.models import Routing


@dataclass(frozen=True, kw_only=True)
class Plan:
    routing: Routing
    bom: Bom | None


def plan_for(item: Item, site_id: int, *, routing: str = "", bom: str = "") -> Plan:
    """By their keys in the ERP; not named: the only one in use.  Raises Rejected."""
    routings = Routing.objects.filter(item=item, site_id=site_id)
    ways = list(routings.filter(erp_key=routing) if routing else routings.filter(active=True)[:2])
    if len(ways) != 1:
        raise Rejected(
            "routing",
            _("%(item)s has more than one routing in use: name one.") % {"item": item.code}
            if ways
            else _("There is no routing of %(item)s here.") % {"item": item.code},
        )
    boms = Bom.objects.filter(item=item)
    lists = list(boms.filter(erp_key=bom) if bom else boms.filter(active=True)[:2])
    if bom and not lists:
        raise Rejected("bom", _("There is no such parts list of %(item)s here.") % {"item": item.code})
    if len(lists) > 1:
        raise Rejected("bom", _("%(item)s has more than one parts list in use: name one.") % {"item": item.code})
    return Plan(routing=ways[0], bom=lists[0] if lists else None)


def operations_of(plan: Plan) -> list[Operation]:
    """In their order; parts without an operation of their own go in at the first.  Raises Rejected."""
    steps = list(plan.routing.steps.order_by("sequence"))
    if not steps:
        raise Rejected("routing", _("The routing %(code)s has no step.") % {"code": plan.routing.code})
    needs = needs_of(plan.bom, [step.sequence for step in steps])
    return [
        Operation(
            sequence=step.sequence,
            name=step.name,
            work_center_id=step.work_center_id,
            work_unit_id=step.work_unit_id,
            transfer_quantity=step.transfer_quantity,
            is_count_point=step.is_count_point,
            needs=needs[step.sequence],
        )
        for step in steps
    ]


def needs_of(bom: Bom | None, sequences: list[int]) -> dict[int, tuple[Need, ...]]:
    """By operation, in the unit of each part.  Raises Rejected."""
    sums: defaultdict[int, defaultdict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    lines = bom.lines.select_related("item__unit", "unit").order_by("position") if bom else []
    for line in lines:
        at = line.operation_sequence if line.operation_sequence in sequences else sequences[0]
        try:
            sums[at][line.item_id] += convert(line.quantity, line.unit, line.item.unit, line.item)
        except CannotConvert as error:
            raise Rejected("bom", str(error)) from error
    made = bom.quantity if bom else Decimal(1)
    return {
        sequence: tuple(
            Need(item_id=item_id, per_piece=_per_piece(total, made)) for item_id, total in sums[sequence].items()
        )
        for sequence in sequences
    }


def _per_piece(total: Decimal, made: Decimal) -> Decimal:
    per_piece = round(total / made, 6)
    if not per_piece:
        raise Rejected("bom", _("A part of it is too little to be told per piece."))
    return per_piece
