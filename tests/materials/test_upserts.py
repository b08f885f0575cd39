"""Master data as an ERP sends it: taken once, never backwards, with a word about each row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core.actors import Actor, Origin
from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.core.ownership_switch import switch_ownership
from apps.materials.commands import (
    BomLineRow,
    BomRow,
    ItemRow,
    ItemUnitRow,
    LocationRow,
    LotRow,
    UnitRow,
    upsert_boms,
    upsert_items,
    upsert_locations,
    upsert_lots,
    upsert_units,
)
from apps.materials.models import Bom, BomLine, Item, ItemUnit, Location, Lot, LotStatus, Unit
from tests.materials.stock_world import (
    ERP,
    WORKER,
    make_item,
    make_location,
    make_lot,
    make_unit,
    put_stock,
    queries_of,
)
from tests.world import ledger, make_holder, make_site, run

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PIECE = UnitRow(erp_key="unit,1", code="u", name="piece", category="count", factor=Decimal(1), digits=0)
KG = UnitRow(erp_key="unit,2", code="kg", name="kilogram", category="mass", factor=Decimal(1000), digits=3)
PUMP = ItemRow(erp_key="p,1", version="1", version_at=NOON, code="PUMP", name="Pump", unit="unit,1", kind="made")
ROTOR = replace(PUMP, erp_key="p,2", code="ROTOR", name="Rotor")
CAST = replace(PUMP, erp_key="p,3", code="CAST", name="Casting", kind="bought")


@pytest.fixture(autouse=True)
def _units() -> None:
    run(upsert_units, ERP, rows=[PIECE, KG])


def send(*rows: Any, by: Actor = ERP, command: Any = upsert_items, **options: Any) -> Any:
    return run(command, by, rows=list(rows), **options)


def outcomes(report: Any) -> list[str]:
    return [row.outcome.value for row in report.rows]


def problems(report: Any) -> list[tuple[str, str]]:
    return [(row.field, row.sentence) for row in report.rows if row.outcome == "rejected"]


class TestARow:
    def test_is_created_changed_and_left_alone(self) -> None:
        assert outcomes(send(PUMP, ROTOR)) == ["created", "created"]
        assert outcomes(send(replace(PUMP, name="Pump 2"), ROTOR)) == ["updated", "unchanged"]
        assert list(Item.objects.values_list("code", "name")) == [("PUMP", "Pump 2"), ("ROTOR", "Rotor")]
        created, updated = ledger("materials.master_data_taken")[-2:]
        assert [len(created.data["created"]), len(updated.data["updated"])] == [2, 1]
        assert [row.history_type for row in Item.objects.get(code="PUMP").history.all()] == ["~", "+"]

    def test_sent_twice_leaves_no_trace(self) -> None:
        send(PUMP, ROTOR)
        events, history = LedgerEvent.objects.count(), Item.history.count()
        assert outcomes(send(PUMP, ROTOR)) == ["unchanged", "unchanged"]
        assert (LedgerEvent.objects.count(), Item.history.count()) == (events, history)

    def test_older_than_what_is_here_is_stale_whatever_came_between(self) -> None:
        later = replace(PUMP, name="Pump 3", version="3", version_at=NOON + timedelta(hours=2))
        send(later)
        assert outcomes(send(replace(PUMP, name="Pump 1"))) == ["stale"]
        same_content = replace(later, version="5", version_at=NOON + timedelta(hours=4))
        assert outcomes(send(same_content)) == ["unchanged"]
        between = replace(PUMP, name="Pump 4", version="4", version_at=NOON + timedelta(hours=3))
        assert outcomes(send(between)) == ["stale"]
        assert (Item.objects.get().name, Item.objects.get().erp_version) == ("Pump 3", "5")

    def test_of_the_same_version_with_other_content_is_taken(self) -> None:
        send(PUMP)
        assert outcomes(send(replace(PUMP, name="Pump 2"))) == ["updated"]

    def test_without_a_time_is_compared_by_content_alone(self) -> None:
        send(PUMP)
        assert outcomes(send(replace(PUMP, version_at=None, name="Pump 2"))) == ["updated"]
        assert Item.objects.get().erp_version_at == NOON

    @pytest.mark.parametrize(
        ("change", "field", "sentence"),
        [
            ({"erp_key": ""}, "erp_key", "The key in the ERP is missing."),
            ({"unit": "unit,9"}, "unit", "There is no unit unit,9 here."),
            ({"code": ""}, "code", "This field cannot be blank."),
            ({"code": "X" * 61}, "code", "Ensure this value has at most 60 characters (it has 61)."),
            ({"kind": "stolen"}, "kind", "Value 'stolen' is not a valid choice."),
            ({"shelf_life_days": -1}, "shelf_life_days", "Ensure this value is greater than or equal to 0."),
            ({"units": (ItemUnitRow(unit="unit,2", factor=Decimal(0)),)}, "units", "It has to be more than zero."),
        ],
    )
    def test_that_is_wrong_says_where_and_why_and_the_others_are_taken(
        self, change: dict[str, Any], field: str, sentence: str
    ) -> None:
        report = send(ROTOR, replace(PUMP, **change))
        assert problems(report) == [(field, sentence)]
        assert list(Item.objects.values_list("code", flat=True)) == ["ROTOR"]

    def test_that_is_wrong_keeps_all_others_out_if_so_asked(self) -> None:
        report = send(ROTOR, replace(PUMP, code=""), all_or_none=True)
        assert (outcomes(report), report.written) == (["created", "rejected"], False)
        assert not Item.objects.exists()

    def test_in_a_dry_run_changes_nothing(self) -> None:
        send(PUMP)
        events = LedgerEvent.objects.count()
        report = send(replace(PUMP, name="Pump 2"), ROTOR, dry_run=True)
        assert (outcomes(report), report.written) == (["updated", "created"], False)
        assert (list(Item.objects.values_list("name", flat=True)), LedgerEvent.objects.count()) == (["Pump"], events)

    def test_that_comes_twice_is_taken_once(self) -> None:
        assert outcomes(send(PUMP, replace(PUMP, name="Other"))) == ["created", "rejected"]

    @pytest.mark.parametrize("count", [0, 1001])
    def test_none_or_too_many_are_refused(self, count: int) -> None:
        with pytest.raises(CommandRefused, match="between 1 and 1000"):
            send(*[PUMP] * count)


class TestNames:
    def test_may_be_swapped_and_handed_on_within_one_delivery(self) -> None:
        send(PUMP, ROTOR)
        report = send(replace(PUMP, code="ROTOR"), replace(ROTOR, code="NEW"), replace(CAST, code="PUMP"))
        assert outcomes(report) == ["updated", "updated", "created"]
        assert dict(Item.objects.values_list("erp_key", "code")) == {"p,1": "ROTOR", "p,2": "NEW", "p,3": "PUMP"}

    def test_that_are_taken_are_rejected_with_all_that_follows(self) -> None:
        send(PUMP, ROTOR)
        report = send(replace(ROTOR, code="PUMP"), replace(CAST, code="ROTOR"))
        assert problems(report) == [("code", "Another row is called PUMP."), ("code", "Another row is called ROTOR.")]

    def test_of_ours_are_taken_over_only_when_it_is_said(self) -> None:
        ours = make_item("PUMP")
        assert problems(send(PUMP)) == [
            ("code", "There is a row of ours by this name. Say that the ERP is to take it over.")
        ]
        assert outcomes(send(PUMP, adopt=True)) == ["updated"]
        assert Item.objects.get().pk == ours.pk
        assert Item.objects.get().is_erps


class TestWhoSends:
    def test_somebody_else_makes_rows_of_ours_known_by_their_code(self) -> None:
        make_unit("box")
        row = ItemRow(code="OURS", name="Ours", unit="box", kind="bought")
        engineer = make_holder("materials.manage")
        assert [outcomes(run(upsert_items, engineer, rows=[row])) for _ in range(2)] == [["created"], ["unchanged"]]
        item = Item.objects.get()
        assert (item.is_erps, item.history.get().history_user_id) == (False, engineer.pk)

    @pytest.mark.parametrize("by", [WORKER, Actor.system("rules", Origin.RULE)])
    def test_nobody_else_sends_rows_of_the_erp_or_changes_them(self, by: Actor) -> None:
        send(PUMP)
        assert problems(send(ROTOR, by=by)) == [("erp_key", "Only the ERP sends rows with a key in the ERP.")]
        make_unit("box")
        row = ItemRow(code="PUMP", name="Hacked", unit="box", kind="made")
        assert problems(send(row, by=by)) == [("code", "This row is the ERP's: change it there.")]

    def test_needs_the_right(self) -> None:
        with pytest.raises(CommandRefused, match="You may not change items"):
            run(upsert_items, make_holder("materials.move"), rows=[PUMP])

    def test_a_field_that_was_handed_to_us_is_left_to_us(self) -> None:
        send(PUMP)
        inputs = {"model": "materials.Item", "field": "shelf_life_days", "owner": "mfgos"}
        run(switch_ownership, make_holder("core.switch_ownership"), **inputs)
        Item.objects.update(shelf_life_days=90)
        assert outcomes(send(replace(PUMP, shelf_life_days=5))) == ["unchanged"]
        assert outcomes(send(replace(PUMP, shelf_life_days=5, name="P"))) == ["updated"]
        assert Item.objects.get().shelf_life_days == 90


class TestItems:
    def test_bring_their_other_units(self) -> None:
        kg = ItemUnitRow(unit="unit,2", factor=Decimal("0.25"))
        assert outcomes(send(replace(PUMP, units=(kg,)))) == ["created"]
        assert outcomes(send(replace(PUMP, units=(kg,)))) == ["unchanged"]
        assert outcomes(send(replace(PUMP, units=(replace(kg, factor=Decimal("0.3")),)))) == ["updated"]
        assert ItemUnit.objects.get().factor == Decimal("0.3")
        assert outcomes(send(PUMP)) == ["updated"]
        assert not ItemUnit.objects.exists()
        assert [row.history_type for row in ItemUnit.history.order_by("history_id")] == ["+", "~", "-"]

    def test_keep_their_unit_while_there_is_stock_in_it(self) -> None:
        make_unit("box")
        row = ItemRow(code="OURS", name="Ours", unit="box", kind="bought")
        send(row, by=WORKER)
        make_unit("bag")
        put_stock(Item.objects.get(), make_location(make_site()), 1)
        assert problems(send(replace(row, unit="bag"), by=WORKER)) == [
            ("unit", "Stock of this item is kept in another unit already.")
        ]


def bom(whole: str, *parts: str, key: str = "", **details: Any) -> BomRow:
    lines = tuple(
        BomLineRow(item=part, quantity=Decimal(2), unit="unit,1", position=n) for n, part in enumerate(parts, start=1)
    )
    return BomRow(erp_key=key or f"bom,{whole}", item=whole, code="1", quantity=Decimal(1), lines=lines, **details)


class TestPartsLists:
    @pytest.fixture(autouse=True)
    def _items(self) -> None:
        send(PUMP, ROTOR, CAST)

    def send(self, *rows: BomRow, **options: Any) -> Any:
        return send(*rows, command=upsert_boms, **options)

    def test_are_taken_line_by_line(self) -> None:
        assert outcomes(self.send(bom("p,1", "p,2", "p,3"))) == ["created"]
        assert outcomes(self.send(bom("p,1", "p,2", "p,3"))) == ["unchanged"]
        assert outcomes(self.send(bom("p,1", "p,3"))) == ["updated"]
        assert list(BomLine.objects.values_list("position", "item__code")) == [(1, "CAST")]
        assert [row.history_type for row in BomLine.history.order_by("history_id")] == ["+", "+", "-", "~"]

    def test_a_line_that_can_not_be_counted_in_its_unit_is_rejected(self) -> None:
        row = bom("p,1", "p,2")
        wrong = replace(row, lines=(replace(row.lines[0], unit="unit,2"),))
        assert problems(self.send(wrong)) == [("lines", "Nothing says how kg converts into u for ROTOR.")]
        assert not Bom.objects.exists()

    def test_by_which_an_item_goes_into_itself_are_rejected_with_the_way(self) -> None:
        assert problems(self.send(bom("p,1", "p,1"))) == [("lines", "The item would go into itself: PUMP \u2192 PUMP.")]
        self.send(bom("p,1", "p,2"), bom("p,2", "p,3"))
        assert problems(self.send(bom("p,3", "p,1"))) == [
            ("lines", "The item would go into itself: CAST \u2192 PUMP \u2192 ROTOR \u2192 CAST.")
        ]

    def test_may_exchange_their_parts_in_one_delivery_in_any_order(self) -> None:
        self.send(bom("p,1", "p,2"))
        assert outcomes(self.send(bom("p,2", "p,1"), bom("p,1", "p,3"))) == ["created", "updated"]

    def test_of_one_delivery_that_close_a_circle_lose_one(self) -> None:
        report = self.send(bom("p,1", "p,2"), bom("p,2", "p,3"), bom("p,3", "p,1"))
        assert sorted(outcomes(report)) == ["created", "created", "rejected"]

    def test_that_are_out_of_use_close_no_circle_until_they_are_used(self) -> None:
        self.send(bom("p,1", "p,2"))
        assert outcomes(self.send(bom("p,2", "p,1", active=False))) == ["created"]
        assert outcomes(self.send(bom("p,2", "p,1"))) == ["rejected"]
        assert Bom.objects.filter(active=True).count() == 1


class TestLots:
    @pytest.fixture(autouse=True)
    def _items(self) -> None:
        send(PUMP, ROTOR)

    def send(self, *rows: LotRow) -> Any:
        return send(*rows, command=upsert_lots)

    def test_that_were_made_here_are_the_same_lots(self) -> None:
        ours = make_lot(Item.objects.get(code="PUMP"), "L-1")
        assert outcomes(self.send(LotRow(erp_key="lot,7", item="p,1", number="L-1"))) == ["updated"]
        assert Lot.objects.get().pk == ours.pk

    def test_may_have_one_number_twice_in_the_erp(self) -> None:
        rows = [LotRow(erp_key=f"lot,{n}", item="p,1", number="L-1") for n in (1, 2)]
        assert outcomes(self.send(*rows)) == ["created", "created"]
        assert outcomes(self.send(*rows)) == ["unchanged", "unchanged"]

    def test_are_blocked_by_the_erp_without_touching_our_hold(self) -> None:
        row = LotRow(erp_key="lot,1", item="p,1", number="L-1", expires_on=date(2027, 1, 1))
        self.send(row)
        Lot.objects.update(status=LotStatus.HELD)
        assert outcomes(self.send(replace(row, blocked=True))) == ["updated"]
        lot = Lot.objects.get()
        assert (lot.status, lot.blocked_in_erp, lot.expires_on) == (LotStatus.HELD, True, date(2027, 1, 1))

    def test_stay_with_their_item(self) -> None:
        self.send(LotRow(erp_key="lot,1", item="p,1", number="L-1"))
        report = self.send(LotRow(erp_key="lot,1", item="p,2", number="L-1"))
        assert problems(report) == [("item", "This lot is known as one of another item.")]


def test_places_come_site_by_site_and_keep_our_policy() -> None:
    here, there = make_site("S1"), make_site("S2")
    row = LocationRow(erp_key="loc,1", code="R", name="Rack", kind="storage")
    run(upsert_locations, ERP, site_id=here.pk, rows=[row])
    Location.objects.update(may_go_negative=True)
    assert outcomes(run(upsert_locations, ERP, site_id=here.pk, rows=[replace(row, name="R")])) == ["updated"]
    assert Location.objects.get().may_go_negative
    report = run(upsert_locations, ERP, site_id=there.pk, rows=[row])
    assert problems(report) == [("erp_key", "This place is known at another site.")]


class TestManyRows:
    def rows(self, first: int, count: int, name: str = "Item") -> list[ItemRow]:
        return [
            replace(PUMP, erp_key=f"many,{n}", code=f"MANY-{n:05}", name=f"{name} {n}")
            for n in range(first, first + count)
        ]

    def queries(self, rows: list[Any], command: Any = upsert_items) -> int:
        return queries_of(lambda: run(command, ERP, rows=rows))

    def test_take_no_more_queries_than_few(self) -> None:
        few = [self.queries(self.rows(0, 5, name)) for name in ("Item", "Other", "Other")]
        many = [self.queries(self.rows(100, 1000, name)) for name in ("Item", "Other", "Other")]
        # Rows are written 500 at a time, and so is the history of changed ones: made, then changed, then left alone.
        assert [more - less for less, more in zip(few, many, strict=True)] == [1, 2, 0]
        assert max(many) < 40
        assert Item.history.count() == 2010

    def test_ten_thousand_in_ten_deliveries(self) -> None:
        total = sum(self.queries(self.rows(n * 1000, 1000)) for n in range(10))
        assert Item.objects.count() == 10_000
        assert total < 400

    def test_parts_lists_too(self) -> None:
        send(PUMP, *self.rows(0, 999))

        def lists(first: int, count: int) -> list[BomRow]:
            return [bom(f"many,{n}", "p,1") for n in range(first, first + count)]

        few, many = self.queries(lists(0, 5), upsert_boms), self.queries(lists(100, 800), upsert_boms)
        assert many - few <= 6
        assert BomLine.objects.count() == 805


def test_a_unit_of_the_erp_is_known_by_its_key() -> None:
    assert outcomes(send(replace(PIECE, code="pcs"), command=upsert_units)) == ["updated"]
    assert problems(send(replace(KG, factor=Decimal(0)), command=upsert_units)) == [
        ("factor", "It has to be more than zero.")
    ]
    assert set(Unit.objects.values_list("code", flat=True)) == {"pcs", "kg"}
