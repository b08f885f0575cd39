"""What lies where: the ERP's word and our movements since, never counted twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.materials.commands import (
    SnapshotRow,
    issue,
    mark_posted,
    receive,
    return_material,
    reverse_movement,
    set_stock_snapshot,
    transfer,
)
from apps.materials.commands.erp_rows import Outcome, Report
from apps.materials.models import Item, Location, LocationKind, Lot, LotStatus, Movement, MovementPosting, StockSnapshot
from apps.materials.queries import available, available_of, stock
from apps.plant.models import ReasonCode, Site
from tests.materials.stock_world import (
    ERP,
    MORNING,
    WORKER,
    a_unit,
    as_erp,
    make_item,
    make_location,
    make_lot,
    make_unit,
    put_stock,
    queries_of,
)
from tests.world import make_reason, make_site, run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def rack(site: Site) -> Location:
    return make_location(site, "RACK-A")


class TestWhatIsInTheErpsFigure:
    """20 on record as of the morning; 5 issued at night are in it, if the ERP had them by then."""

    @pytest.fixture
    def bolt(self, rack: Location) -> Item:
        bolt = make_item("BOLT")
        put_stock(bolt, rack, 20, as_of=MORNING)
        return bolt

    def issue_five(self, bolt: Item, rack: Location) -> int:
        return int(run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk).movement_id)

    @pytest.mark.parametrize(
        ("posted", "expected"), [(None, 15), (-HOUR, 20), (0 * HOUR, 20), (timedelta(microseconds=1), 15), (HOUR, 15)]
    )
    def test_is_what_was_posted_until_then(
        self, site: Site, bolt: Item, rack: Location, posted: timedelta | None, expected: int
    ) -> None:
        movement_id = self.issue_five(bolt, rack)
        if posted is not None:
            run(mark_posted, ERP, movement_id=movement_id, erp_reference="m,1", posted_at=MORNING + posted)
        (line,) = stock(site.pk, item_id=bolt.pk)
        assert (line.quantity, line.on_record, line.as_of) == (expected, 20, MORNING)

    def test_stays_right_over_the_whole_round_trip(self, site: Site, bolt: Item, rack: Location) -> None:
        def now_there() -> Decimal:
            return stock(site.pk, bolt.pk)[0].quantity

        movement_id = self.issue_five(bolt, rack)
        assert now_there() == 15
        run(mark_posted, ERP, movement_id=movement_id, erp_reference="m,1", posted_at=MORNING + HOUR)
        assert now_there() == 15
        StockSnapshot.objects.update(stock_quantity=15, as_of=MORNING + 2 * HOUR)
        assert now_there() == 15

    def test_is_seen_by_site_item_and_place(self, site: Site, bolt: Item, rack: Location) -> None:
        other = make_location(site)
        put_stock(make_item(), other, 3)
        assert len(stock(site.pk)) == 2
        assert [line.quantity for line in stock(site.pk, location_id=other.pk)] == [3]
        assert stock(site.pk, bolt.pk, other.pk) == []
        assert stock(make_site("S9").pk) == []


class TestWhatIsAvailable:
    def test_lies_in_storage_and_is_of_no_bad_lot(self, site: Site, rack: Location) -> None:
        seal = make_item("SEAL", lot_tracked=True)
        today = clock.now().astimezone(site.zone).date()
        for lot, quantity in (
            (make_lot(seal), 1),
            (make_lot(seal, expires_on=today), 2),
            (make_lot(seal, expires_on=today - timedelta(days=1)), 4),
            (make_lot(seal, status=LotStatus.HELD), 8),
            (make_lot(seal, status=LotStatus.EXPIRED), 16),
        ):
            put_stock(seal, rack, quantity, lot=lot)
        blocked = make_lot(seal)
        Lot.objects.filter(pk=blocked.pk).update(blocked_in_erp=True)
        put_stock(seal, rack, 32, lot=blocked)
        for kind in (LocationKind.PRODUCTION, LocationKind.QUARANTINE, LocationKind.SCRAP):
            put_stock(seal, make_location(site, kind=kind), 64, lot=make_lot(seal))
        assert available(seal, site) == 3

    def test_is_told_for_many_items_in_one_query(self, site: Site, rack: Location) -> None:
        items = [make_item() for _ in range(5)]
        for number, item in enumerate(items):
            if number:
                put_stock(item, rack, number)
        assert queries_of(lambda: available_of([item.pk for item in items], site)) == 1
        assert list(available_of([item.pk for item in items], site).values()) == [0, 1, 2, 3, 4]


# ---- the query against a plain recomputation, over random histories


@dataclass
class Plant:
    site: Site
    places: list[Location]
    line: Location
    item: Item
    lots: list[Lot]
    reason: ReasonCode


def a_plant() -> Plant:
    site = make_site(f"P{Site.objects.count()}")
    item = make_item(unit=a_unit("kg", digits=3), lot_tracked=True)
    return Plant(
        site=site,
        places=[make_location(site, may_go_negative=True) for _ in range(2)],
        line=make_location(site, "PROD", kind=LocationKind.PRODUCTION, may_go_negative=True),
        item=item,
        lots=[make_lot(item) for _ in range(2)],
        reason=ReasonCode.objects.filter(code="mistyped").first() or make_reason("reversal", "mistyped"),
    )


moves = st.tuples(
    st.sampled_from(["issue", "stage", "return", "receive", "transfer"]),
    st.integers(0, 1),
    st.integers(0, 1),
    st.decimals("0.001", "50", places=3),
)
steps = st.one_of(
    moves,
    moves,
    st.tuples(st.just("reverse"), st.integers(0, 30)),
    st.tuples(st.just("post"), st.integers(0, 30), st.integers(0, 10)),
    st.tuples(st.just("snapshot"), st.integers(0, 2), st.integers(0, 1), st.integers(-20, 100), st.integers(0, 10)),
)


def do(plant: Plant, step: Any) -> None:
    match step:
        case ("reverse", index):
            rows = list(Movement.objects.filter(site=plant.site).order_by("pk"))
            if rows:
                attempt(reverse_movement, WORKER, movement_id=rows[index % len(rows)].pk, reason_id=plant.reason.pk)
        case ("post", index, hour):
            rows = list(Movement.objects.filter(site=plant.site).order_by("pk"))
            if rows:
                key = rows[index % len(rows)].pk
                at = MORNING + hour * HOUR
                attempt(mark_posted, ERP, movement_id=key, erp_reference=f"m,{key}", posted_at=at)
        case ("snapshot", place, lot, quantity, hour):
            spot = [*plant.places, plant.line][place]
            row = SnapshotRow(
                item=plant.item.code,
                location=spot.code,
                lot=plant.lots[lot].number,
                quantity=Decimal(quantity),
                unit=plant.item.unit.code,
            )
            run(set_stock_snapshot, WORKER, site_id=plant.site.pk, as_of=MORNING + hour * HOUR, rows=[row])
        case (kind, place, lot, quantity):
            move(plant, kind, plant.places[place], plant.places[1 - place], lot, quantity)


def move(plant: Plant, kind: str, here: Location, other: Location, lot: int, quantity: Decimal) -> None:
    same = {"item_id": plant.item.pk, "lot_id": plant.lots[lot].pk, "quantity": quantity}
    if kind == "issue":
        run(issue, WORKER, **same, from_location_id=here.pk)
    elif kind == "stage":
        run(issue, WORKER, **same, from_location_id=here.pk, to_location_id=plant.line.pk)
    elif kind == "return":
        run(return_material, WORKER, **same, from_location_id=plant.line.pk, to_location_id=here.pk)
    elif kind == "receive":
        run(receive, WORKER, **same, to_location_id=here.pk)
    else:
        run(transfer, WORKER, **same, from_location_id=here.pk, to_location_id=other.pk)


def attempt(command: Any, who: Any, **inputs: Any) -> None:
    try:
        run(command, who, **inputs)
    except CommandRefused as refusal:
        assert refusal.code in {"reversed_already", "is_a_reversal"}  # noqa: PT017


def recomputed(plant: Plant) -> dict[tuple[int, int, int | None], Decimal]:
    """By going over all rows one by one, as the rule reads."""
    found: defaultdict[tuple[int, int, int | None], Decimal] = defaultdict(Decimal)
    as_of: dict[tuple[int, int, int | None], datetime] = {}
    for row in StockSnapshot.objects.filter(site=plant.site):
        place = (row.item_id, row.location_id, row.lot_id)
        found[place] += row.stock_quantity
        as_of[place] = row.as_of
    posted = dict(MovementPosting.objects.values_list("movement", "posted_at"))
    for movement in Movement.objects.filter(site=plant.site):
        for end, sign in ((movement.from_location_id, -1), (movement.to_location_id, 1)):
            place = (movement.item_id, end or 0, movement.lot_id)
            contained = movement.pk in posted and place in as_of and posted[movement.pk] <= as_of[place]
            if end is not None and not contained:
                found[place] += sign * movement.stock_quantity
    return {place: quantity for place, quantity in found.items() if quantity}


@settings(max_examples=60, deadline=None)
@given(history=st.lists(steps, min_size=1, max_size=14))
def test_stock_is_what_a_plain_recomputation_gives(history: list[Any]) -> None:
    plant = a_plant()
    for step in history:
        do(plant, step)
    lines = stock(plant.site.pk)
    found = {(line.item_id, line.location_id, line.lot_id): line.quantity for line in lines if line.quantity}
    assert found == recomputed(plant)


# ---- what the ERP sends


class TestASnapshot:
    @pytest.fixture
    def bolt(self, site: Site) -> Item:
        return make_item("BOLT", erp_key="product,1", unit=self.unit())

    def unit(self) -> Any:
        unit = make_unit("u")
        with as_erp():
            unit.erp_key = "unit,1"
            unit.save()
        return unit

    @pytest.fixture
    def places(self, site: Site) -> list[Location]:
        with as_erp():
            return [Location.objects.create(site=site, code=f"R{n}", name="R", erp_key=f"location,{n}") for n in (1, 2)]

    def row(self, quantity: int | str, place: int = 1, **details: Any) -> SnapshotRow:
        details = {"item": "product,1", "location": f"location,{place}", "unit": "unit,1"} | details
        return SnapshotRow(**details, quantity=Decimal(quantity))

    def send(self, site: Site, *rows: SnapshotRow, at: datetime = MORNING, **options: Any) -> Report:
        report = run(set_stock_snapshot, ERP, site_id=site.pk, as_of=at, rows=list(rows), **options)
        assert isinstance(report, Report)
        return report

    def outcomes(self, report: Report) -> list[str]:
        return [row.outcome.value for row in report.rows]

    def test_is_taken_once_and_newer_goes_before_older(self, site: Site, bolt: Item, places: list[Location]) -> None:
        assert self.outcomes(self.send(site, self.row(20), self.row(3, 2))) == ["created", "created"]
        assert self.outcomes(self.send(site, self.row(20), self.row(3, 2))) == ["unchanged", "unchanged"]
        assert self.outcomes(self.send(site, self.row(19), at=MORNING - HOUR)) == ["stale"]
        assert self.outcomes(self.send(site, self.row(18), at=MORNING + HOUR)) == ["updated"]
        assert [line.quantity for line in stock(site.pk)] == [18, 3]

    def test_that_is_complete_empties_what_it_does_not_name(
        self, site: Site, bolt: Item, places: list[Location]
    ) -> None:
        self.send(site, self.row(20), self.row(3, 2))
        third = make_location(site, "R3")
        got = run(receive, WORKER, item_id=bolt.pk, quantity=Decimal(7), to_location_id=third.pk)
        run(mark_posted, ERP, movement_id=got.movement_id, erp_reference="m,1", posted_at=MORNING)
        assert len(stock(site.pk)) == 3
        self.send(site, self.row(27), at=MORNING + HOUR, complete=True)
        assert [(line.location_id, line.quantity) for line in stock(site.pk)] == [(places[0].pk, 27)]

    def test_that_is_complete_empties_all_items_but_those_of_which_a_row_was_rejected(
        self, site: Site, bolt: Item, places: list[Location]
    ) -> None:
        self.send(site, self.row(20), self.row(3, 2))
        stranger = replace(self.row(5), item="item,404")
        self.send(site, self.row(27), stranger, at=MORNING + HOUR, complete=True)
        assert [(line.location_id, line.quantity) for line in stock(site.pk)] == [(places[0].pk, 27)]
        lost = replace(self.row(1, 2), lot="lot,404")
        self.send(site, lost, at=MORNING + 2 * HOUR, complete=True)
        assert [(line.location_id, line.quantity) for line in stock(site.pk)] == [(places[0].pk, 27)]

    def test_says_of_each_row_what_is_wrong_with_it(self, site: Site, bolt: Item, places: list[Location]) -> None:
        far = make_site("S2")
        with as_erp():
            Location.objects.create(site=far, code="F", name="F", erp_key="location,9")
        litre = make_unit("l")
        with as_erp():
            litre.erp_key = "unit,2"
            litre.save()
        report = self.send(
            site,
            self.row(1, item="product,9"),
            self.row(1, 9),
            self.row(1, unit="unit,2"),
            self.row(1, lot="lot,1"),
            self.row("0.0000001"),
            self.row(1),
            self.row(2),
        )
        assert [(row.field, row.outcome) for row in report.rows] == [
            ("item", Outcome.REJECTED),
            ("location", Outcome.REJECTED),
            ("unit", Outcome.REJECTED),
            ("lot", Outcome.REJECTED),
            ("quantity", Outcome.REJECTED),
            ("", Outcome.CREATED),
            ("location", Outcome.REJECTED),
        ]
        assert report.rows[0].sentence == "There is no item product,9 here."

    def test_may_be_all_or_none_or_only_a_try(self, site: Site, bolt: Item, places: list[Location]) -> None:
        report = self.send(site, self.row(1), self.row(1, 9), all_or_none=True)
        assert (report.written, StockSnapshot.objects.count()) == (False, 0)
        report = self.send(site, self.row(1), dry_run=True)
        assert (report.written, self.outcomes(report), StockSnapshot.objects.count()) == (False, ["created"], 0)

    def test_of_the_erps_items_comes_from_the_erp_only(self, site: Site, bolt: Item, places: list[Location]) -> None:
        bolt_by_code = SnapshotRow(item="BOLT", location="R1", unit="u", quantity=Decimal(1))
        report = run(set_stock_snapshot, WORKER, site_id=site.pk, as_of=MORNING, rows=[bolt_by_code])
        assert report.rows[0].sentence == "Stock of this item is the ERP's."

    def test_of_a_thousand_rows_takes_as_many_queries_as_one_of_ten(
        self, site: Site, bolt: Item, places: list[Location]
    ) -> None:
        counts = []
        for offset, size in ((0, 10), (5000, 1000)):
            with as_erp():
                Location.objects.bulk_create(
                    Location(site=site, code=f"X{n}", name="X", erp_key=f"location,{n}")
                    for n in range(100 + offset, 100 + offset + size)
                )
            rows = [self.row(n, n) for n in range(100 + offset, 100 + offset + size)]
            counts.append(queries_of(lambda: self.send(site, *rows)))  # noqa: B023
        assert counts[0] == counts[1] < 35
