"""What the stub of an ERP has booked for an order, summed up."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from apps.erp_sync.connectors import interface as erp


class Row(NamedTuple):
    """`item` and `lot` by their keys."""

    kind: str
    item: str
    lot: str
    quantity: Decimal
    unit: str


def key(ref: erp.ErpRef | None) -> str:
    return f"{ref.type},{ref.id}" if ref else ""


def write(db: sqlite3.Connection, posting: erp.MovePosting, owner: str) -> None:
    """As it came; it counts once it has had its effect."""
    values = (
        *(str(posting.key), owner, posting.kind.value, key(posting.item), key(posting.lot)),
        *(str(posting.quantity.value), posting.quantity.unit, posting.reverses.id if posting.reverses else ""),
    )
    db.execute("INSERT OR IGNORE INTO moves VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def posted(db: sqlite3.Connection, order: str) -> list[Row]:
    """Without those that were taken back, and what took them back."""
    rows = db.execute(
        "SELECT kind, item, lot, quantity, unit FROM moves JOIN effects USING (key) WHERE moves.owner = ? "
        "AND kind <> 'reversal' AND CAST(n AS TEXT) NOT IN "
        "(SELECT reverses FROM moves JOIN effects USING (key) WHERE kind = 'reversal')",
        (order,),
    )
    return [Row(kind, item, lot, Decimal(quantity), unit) for kind, item, lot, quantity, unit in rows]


def actuals(
    order: erp.ErpRef, rows: Sequence[Row], names: Mapping[str, str], altered: Mapping[str, str]
) -> erp.OrderActuals:
    sums: dict[str, defaultdict[erp.Material, Decimal]] = {
        figure: defaultdict(Decimal) for figure in ("made", "scrapped", "consumed")
    }
    figures = {"receipt": "made", "scrap": "scrapped", "issue": "consumed", "return": "consumed"}
    for row in rows:
        material = erp.Material(names.get(row.item, row.item), names.get(row.lot, row.lot), row.unit)
        sums[figures[row.kind]][material] += -row.quantity if row.kind == "return" else row.quantity
    for figure, more in altered.items():
        for material in list(sums[figure])[:1]:
            sums[figure][material] += Decimal(more)
    return erp.OrderActuals(
        order=_record(order, rows, names),
        issued=sums["consumed"],
        received=sums["made"],
        scrapped=sums["scrapped"],
        machine_time={},
        labor_time={},
        keys={},
        open={},
        unkeyed=(),
    )


def _record(order: erp.ErpRef, rows: Sequence[Row], names: Mapping[str, str]) -> erp.OrderRecord:
    outputs = [row for row in rows if row.kind in ("receipt", "scrap")]
    item = outputs[0].item if outputs else ""
    return erp.OrderRecord(
        ref=order,
        number=order.id,
        reference="",
        item=_ref(item) if item else None,
        item_code=names.get(item, item),
        quantity=erp.Quantity(Decimal(1), "u"),
        state=erp.OrderState.DONE,
        erp_state="done",
        planned_start=None,
        planned_end=None,
        started_on=None,
        finished_on=None,
        bom=None,
        routing=None,
        demand=None,
        operations=(),
        components=tuple(_move(row, names) for row in rows if row.kind in ("issue", "return")),
        receipts=(),
    )


def _move(row: Row, names: Mapping[str, str]) -> erp.MoveRecord:
    nowhere = erp.ErpRef("stub", "place", "0")
    return erp.MoveRecord(
        ref=erp.ErpRef("stub", "move", "0"),
        item=_ref(row.item),
        item_code=names.get(row.item, row.item),
        quantity=erp.Quantity(row.quantity, row.unit),
        lot=_ref(row.lot) if row.lot else None,
        lot_number=names.get(row.lot, row.lot),
        from_location=nowhere,
        to_location=nowhere,
        to_waste=False,
        state=erp.DocumentState.POSTED,
        erp_state="done",
        posting_date=None,
        planned_date=None,
        key=None,
        ours=False,
    )


def _ref(text: str) -> erp.ErpRef:
    kind, _, number = text.partition(",")
    return erp.ErpRef("stub", kind, number)
