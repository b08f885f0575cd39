"""What is around a lot and a movement, for rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.materials.models import Lot, Movement, StockSnapshot
from apps.workflows.surroundings import Surroundings, around

_LOT = Prepared(lambda: Lot.objects.select_related("item").filter(pk=Given("pk")))
_MOVED = Prepared(lambda: Movement.objects.select_related("site").filter(lot=Given("lot")).order_by("-pk")[:1])
_ON_RECORD = Prepared(
    lambda: StockSnapshot.objects.select_related("site").filter(lot=Given("lot")).order_by("-as_of")[:1]
)
_MOVEMENT = Prepared(
    lambda: Movement.objects.select_related("site", "work_center", "item", "lot").filter(pk=Given("pk"))
)


@around("lot", gives={"site_id", "lot_id"})
def _lot(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    """It may lie at several sites: where it moved last counts, else where the ERP has it."""
    lot = _LOT.first(pk=int(subject_id))
    if lot is None:
        return None
    place: Movement | StockSnapshot | None = _MOVED.first(lot=lot.pk) or _ON_RECORD.first(lot=lot.pk)
    site = place.site if place else None
    return Surroundings(
        lot_id=lot.pk,
        lot=lot.number,
        item=lot.item.code,
        site_id=site.pk if site else None,
        site=site.code if site else "",
    )


@around("movement", gives={"site_id", "work_center_id", "lot_id"})
def _movement(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    movement = _MOVEMENT.first(pk=int(subject_id))
    if movement is None:
        return None
    line, lot = movement.work_center, movement.lot
    return Surroundings(
        site_id=movement.site_id,
        site=movement.site.code,
        work_center_id=line.pk if line else None,
        line=line.code if line else "",
        item=movement.item.code,
        lot_id=lot.pk if lot else None,
        lot=lot.number if lot else "",
        thread=movement.thread,
    )
