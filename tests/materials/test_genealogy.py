"""Which lot went into which, both ways, to the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.materials.commands import issue, link_lots, receive, reverse_movement
from apps.materials.commands.movements import Purposed
from apps.materials.models import Item, Location, Lot, LotLink, Movement
from apps.materials.queries import made_from, where_used
from tests.materials.stock_world import WORKER, make_item, make_location, make_lot, put_stock
from tests.world import ledger, make_reason, make_site, run

pytestmark = pytest.mark.django_db
PURPOSE = Purposed(for_kind="job_order", for_id="17")


@pytest.fixture
def rack() -> Location:
    return make_location(make_site(), may_go_negative=True)


@pytest.fixture
def item() -> Item:
    return make_item("PUMP", lot_tracked=True)


def consume(lot: Lot, into: Lot | None, rack: Location, quantity: int = 1) -> Any:
    return run(
        issue,
        WORKER,
        item_id=lot.item_id,
        lot_id=lot.pk,
        quantity=Decimal(quantity),
        from_location_id=rack.pk,
        into_lot_id=into.pk if into else None,
        purpose=PURPOSE,
    )


def numbers(steps: list[Any]) -> list[tuple[int, int, int]]:
    return [(step.consumed_lot_id, step.produced_lot_id, step.depth) for step in steps]


def test_a_lot_is_followed_both_ways_over_every_step(item: Item, rack: Location) -> None:
    a, b, c, d, other = (make_lot(item) for _ in range(5))
    consume(a, b, rack, 2)
    consume(a, c, rack)
    consume(b, d, rack)
    consume(c, d, rack)
    consume(other, make_lot(item), rack)
    assert numbers(where_used(a)) == [(a.pk, b.pk, 1), (a.pk, c.pk, 1), (b.pk, d.pk, 2), (c.pk, d.pk, 2)]
    assert numbers(made_from(d)) == [(b.pk, d.pk, 1), (c.pk, d.pk, 1), (a.pk, b.pk, 2), (a.pk, c.pk, 2)]
    assert (where_used(a)[0].quantity, where_used(a)[0].for_id) == (2, "17")
    assert where_used(d) == made_from(a) == []


def test_a_circle_of_rework_ends(item: Item, rack: Location) -> None:
    a, b, c = (make_lot(item) for _ in range(3))
    for source, target in ((a, b), (b, c), (c, a)):
        consume(source, target, rack)
    assert numbers(where_used(a)) == [(a.pk, b.pk, 1), (b.pk, c.pk, 2), (c.pk, a.pk, 3)]
    assert len(made_from(a)) == 3


def test_what_was_undone_went_into_nothing(item: Item, rack: Location) -> None:
    a, b, c = (make_lot(item) for _ in range(3))
    wrong = consume(a, b, rack)
    consume(b, c, rack)
    run(reverse_movement, WORKER, movement_id=wrong.movement_id, reason_id=make_reason("reversal", "mistyped").pk)
    assert where_used(a) == []
    assert numbers(made_from(c)) == [(b.pk, c.pk, 1)]
    with pytest.raises(CommandRefused, match="was undone"):
        run(link_lots, WORKER, movement_id=wrong.movement_id, produced_lot_id=c.pk)


def test_a_receipt_names_the_issues_that_went_into_it(item: Item, rack: Location) -> None:
    a, b, made = (make_lot(item) for _ in range(3))
    put_stock(item, rack, 10, lot=a)
    issues = [consume(lot, None, rack, quantity).movement_id for lot, quantity in ((a, 3), (b, 4))]
    run(link_lots, WORKER, movement_id=issues[0], produced_lot_id=made.pk, quantity=Decimal(1))
    inputs = {"item_id": item.pk, "quantity": Decimal(1), "to_location_id": rack.pk, "lot_id": made.pk}
    run(receive, WORKER, **inputs, consumed_movement_ids=tuple(issues))
    assert list(LotLink.objects.values_list("consumed_lot", "quantity")) == [(a.pk, 1), (a.pk, 2), (b.pk, 4)]
    assert [event.data["quantity"] for event in ledger("materials.lots_linked")] == ["1", "2.000000", "4.000000"]
    with pytest.raises(CommandRefused, match="Of this issue 0 are left"):
        run(link_lots, WORKER, movement_id=issues[0], produced_lot_id=make_lot(item).pk)


def test_only_what_was_issued_goes_into_another_lot(item: Item, rack: Location) -> None:
    a, b = make_lot(item), make_lot(item)
    got = run(receive, WORKER, item_id=item.pk, lot_id=a.pk, quantity=Decimal(1), to_location_id=rack.pk)
    with pytest.raises(CommandRefused, match="Only material that was issued"):
        run(link_lots, WORKER, movement_id=got.movement_id, produced_lot_id=b.pk)
    with pytest.raises(CommandRefused, match="does not go into itself"):
        consume(a, a, rack)
    assert Movement.objects.count() == 1


@settings(max_examples=30, deadline=None)
@given(edges=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda e: e[0] != e[1]), max_size=15))
def test_both_ways_find_what_a_plain_search_finds(edges: set[tuple[int, int]]) -> None:
    site = make_site(f"S{Lot.objects.count()}-{Movement.objects.count()}")
    rack, item = make_location(site, may_go_negative=True), make_item(lot_tracked=True)
    lots = [make_lot(item) for _ in range(7)]
    ids = {(lots[a].pk, lots[b].pk) for a, b in edges}
    for a, b in edges:
        consume(lots[a], lots[b], rack)
    for lot in lots:
        assert {(s.consumed_lot_id, s.produced_lot_id) for s in where_used(lot)} == reached(ids, lot.pk)
        backwards = {(b, a) for a, b in ids}
        assert {(s.produced_lot_id, s.consumed_lot_id) for s in made_from(lot)} == reached(backwards, lot.pk)


def reached(edges: set[tuple[int, int]], start: int) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    lots = {start}
    while more := {edge for edge in edges - found if edge[0] in lots}:
        found |= more
        lots |= {edge[1] for edge in more}
    return found
