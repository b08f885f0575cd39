"""Material that moves: what is booked, what is refused, what is undone."""

from __future__ import annotations

import threading
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.core.errors import CommandRefused
from apps.materials.commands import (
    hold_lot,
    issue,
    mark_posted,
    receive,
    return_material,
    reverse_movement,
    scrap,
    set_location_policy,
    transfer,
)
from apps.materials.commands.movements import Purposed
from apps.materials.models import Item, ItemUnit, Location, LocationKind, Lot, Movement
from apps.materials.queries import stock
from apps.plant.models import ReasonCode
from tests.materials.stock_world import (
    WORKER,
    make_item,
    make_location,
    make_unit,
    put_stock,
    refusal_of,
    there,
)
from tests.world import World, actor_of, last_event, ledger, make_holder, make_reason, run

pytestmark = pytest.mark.django_db
PURPOSE = Purposed(for_kind="job_order", for_id="17", thread="work_order:5")


class TestAnIssue:
    def test_takes_from_the_rack_and_says_for_what(self, world: World, bolt: Item, rack: Location) -> None:
        answer = run(
            issue,
            world.olga,
            item_id=bolt.pk,
            quantity=Decimal(5),
            from_location_id=rack.pk,
            work_center_id=world.line.pk,
            purpose=PURPOSE,
        )
        movement = Movement.objects.get(pk=answer.movement_id)
        assert (movement.kind, movement.quantity, movement.person_id) == ("issue", 5, world.olga.pk)
        assert there(bolt, rack) == 15
        event = last_event()
        assert (event.kind, event.thread, event.site_id) == ("materials.material_moved", "work_order:5", world.site.pk)
        assert (event.data["movement"], event.data["stock_quantity"], event.data["for_id"]) == ("issue", "5", "17")
        assert event.data["violations"] == []

    def test_to_the_line_lies_there_afterwards(
        self, world: World, bolt: Item, rack: Location, at_line: Location
    ) -> None:
        run(
            issue,
            world.olga,
            item_id=bolt.pk,
            quantity=Decimal(5),
            from_location_id=rack.pk,
            to_location_id=at_line.pk,
            work_center_id=world.line.pk,
        )
        assert (there(bolt, rack), there(bolt, at_line)) == (15, 5)

    def test_in_another_unit_is_kept_in_both(self, world: World, bolt: Item, rack: Location) -> None:
        box = make_unit("box")
        ItemUnit.objects.create(item=bolt, unit=box, factor=Decimal(8))
        answer = run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(2), unit_id=box.pk, from_location_id=rack.pk)
        assert answer.stock_quantity == 16
        assert Movement.objects.get().quantity == 2
        assert there(bolt, rack) == 4

    def test_in_a_unit_that_does_not_convert_is_refused(self, bolt: Item, rack: Location) -> None:
        litre = make_unit("l", digits=3)
        refusal = refusal_of(
            issue, WORKER, item_id=bolt.pk, quantity=Decimal(2), unit_id=litre.pk, from_location_id=rack.pk
        )
        assert refusal.code == "cannot_convert"
        assert "Nothing says how l converts into u for BOLT-M8." in refusal.sentence

    @pytest.mark.parametrize("quantity", ["0", "-1", "1000000000000"])
    def test_of_nothing_is_refused(self, bolt: Item, rack: Location, quantity: str) -> None:
        inputs = {"item_id": bolt.pk, "quantity": Decimal(quantity), "from_location_id": rack.pk}
        assert refusal_of(issue, WORKER, **inputs).code == "no_quantity"

    def test_of_half_a_piece_is_refused(self, bolt: Item, rack: Location) -> None:
        refusal = refusal_of(issue, WORKER, item_id=bolt.pk, quantity=Decimal("1.5"), from_location_id=rack.pk)
        assert (refusal.code, refusal.sentence) == ("not_whole", "1.5 u can't be counted: at most 0 decimals.")

    def test_of_more_than_there_is_says_how_much_there_is(self, bolt: Item, rack: Location) -> None:
        refusal = refusal_of(issue, WORKER, item_id=bolt.pk, quantity=Decimal(21), from_location_id=rack.pk)
        assert refusal.code == "not_enough"
        assert refusal.sentence == "There are 20 u of BOLT-M8 in RACK-A, not 21."
        assert refusal.facts == {"there": "20.000000"}

    def test_of_more_than_there_is_goes_where_a_place_may_go_below_zero(
        self, world: World, bolt: Item, rack: Location
    ) -> None:
        manager = make_holder("materials.manage", place=world.site)
        assert run(set_location_policy, manager, location_id=rack.pk, may_go_negative=True) is True
        assert run(set_location_policy, manager, location_id=rack.pk, may_go_negative=True) is False
        run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(21), from_location_id=rack.pk)
        assert there(bolt, rack) == -1

    def test_of_what_lies_in_quarantine_is_refused(self, world: World, bolt: Item) -> None:
        cage = make_location(world.site, "QUAR", kind=LocationKind.QUARANTINE)
        put_stock(bolt, cage, 5)
        refusal = refusal_of(issue, WORKER, item_id=bolt.pk, quantity=Decimal(1), from_location_id=cage.pk)
        assert (refusal.code, refusal.owner) == ("not_usable", "Quality decides about it.")

    def test_to_a_storage_place_is_refused(self, world: World, bolt: Item, rack: Location) -> None:
        other = make_location(world.site)
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "to_location_id": other.pk}
        assert refusal_of(issue, WORKER, **inputs).code == "wrong_place"


class TestReturnReceiptScrap:
    def test_a_return_comes_back(self, bolt: Item, rack: Location) -> None:
        run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk)
        run(return_material, WORKER, item_id=bolt.pk, quantity=Decimal(2), to_location_id=rack.pk)
        assert there(bolt, rack) == 17

    def test_a_receipt_is_there(self, bolt: Item, rack: Location) -> None:
        run(receive, WORKER, item_id=bolt.pk, quantity=Decimal(3), to_location_id=rack.pk)
        assert there(bolt, rack) == 23

    def test_scrap_needs_a_reason_of_its_kind(self, bolt: Item, rack: Location, mistyped: ReasonCode) -> None:
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk}
        assert refusal_of(scrap, WORKER, **inputs, reason_id=mistyped.pk).code == "no_reason"
        run(scrap, WORKER, **inputs, reason_id=make_reason("scrap", "bent").pk)
        assert there(bolt, rack) == 19

    def test_nothing_goes_between_sites_or_to_where_it_lies(self, world: World, bolt: Item, rack: Location) -> None:
        far = make_location(world.other_site)
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk}
        assert refusal_of(transfer, WORKER, **inputs, to_location_id=far.pk).code == "other_site"
        assert refusal_of(transfer, WORKER, **inputs, to_location_id=rack.pk).code == "same_place"
        assert refusal_of(issue, WORKER, **inputs, work_center_id=world.other_line.pk).code == "other_site"


class TestUndoing:
    def test_puts_everything_back_by_a_movement_of_its_own(
        self, world: World, bolt: Item, rack: Location, mistyped: ReasonCode
    ) -> None:
        inputs = {"item_id": bolt.pk, "from_location_id": rack.pk, "work_center_id": world.line.pk}
        done = run(issue, world.olga, **inputs, quantity=Decimal(5), purpose=PURPOSE)
        undone = run(reverse_movement, world.lena, movement_id=done.movement_id, reason_id=mistyped.pk)
        reversal = Movement.objects.get(pk=undone.movement_id)
        assert (reversal.reverses_id, reversal.to_location, reversal.from_location) == (done.movement_id, rack, None)
        assert there(bolt, rack) == 20
        event = last_event()
        assert (event.kind, event.thread) == ("materials.movement_reversed", "work_order:5")
        assert event.data["reverses_id"] == done.movement_id
        assert not Movement.objects.standing().exists()

    def test_twice_is_refused_and_so_is_undoing_the_undoing(
        self, bolt: Item, rack: Location, mistyped: ReasonCode
    ) -> None:
        done = run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk)
        undone = run(reverse_movement, WORKER, movement_id=done.movement_id, reason_id=mistyped.pk)
        for movement_id, code in ((done.movement_id, "reversed_already"), (undone.movement_id, "is_a_reversal")):
            inputs = {"movement_id": movement_id, "reason_id": mistyped.pk}
            assert refusal_of(reverse_movement, WORKER, **inputs).code == code

    def test_a_receipt_that_was_used_since_is_refused(self, rack: Location, mistyped: ReasonCode) -> None:
        item = make_item()
        got = run(receive, WORKER, item_id=item.pk, quantity=Decimal(5), to_location_id=rack.pk)
        run(issue, WORKER, item_id=item.pk, quantity=Decimal(1), from_location_id=rack.pk)
        inputs = {"movement_id": got.movement_id, "reason_id": mistyped.pk}
        assert refusal_of(reverse_movement, WORKER, **inputs).code == "not_enough"

    def test_needs_its_own_right_and_reason(self, world: World, bolt: Item, rack: Location) -> None:
        done = run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk)
        bent = make_reason("scrap", "bent")
        inputs = {"movement_id": done.movement_id, "reason_id": bent.pk}
        assert refusal_of(reverse_movement, world.olga, **inputs).code == "not_allowed"
        assert refusal_of(reverse_movement, WORKER, **inputs).code == "no_reason"

    @pytest.mark.parametrize("attack", ["UPDATE materials_movement SET quantity = 1", "DELETE FROM materials_movement"])
    def test_by_editing_is_impossible(self, bolt: Item, rack: Location, attack: str) -> None:
        run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(attack)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(attack)


class TestWhatHasHappenedAlready:
    @pytest.mark.parametrize("origin", [Origin.BACK_ENTRY, Origin.MACHINE])
    def test_is_recorded_with_what_was_wrong(
        self, world: World, seal: Item, lot: Lot, rack: Location, origin: Origin
    ) -> None:
        run(hold_lot, world.ivan, lot_id=lot.pk)
        reporter = actor_of(make_holder("materials.move", place=world.site), origin=origin)
        inputs = {"item_id": seal.pk, "quantity": Decimal(25), "from_location_id": rack.pk, "lot_id": lot.pk}
        answer = run(issue, reporter, **inputs)
        assert answer.violations == ["lot_held", "not_enough"]
        assert last_event().data["violations"] == ["lot_held", "not_enough"]
        assert there(seal, rack, lot) == -5

    def test_but_never_what_can_not_be(self, bolt: Item, lot: Lot, rack: Location) -> None:
        machine = Actor.system("machine", Origin.MACHINE)
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": lot.pk}
        assert refusal_of(issue, machine, **inputs).code == "lot_of_other_item"


class TestWhoMay:
    def test_people_of_the_line_for_their_line(self, world: World, bolt: Item, rack: Location) -> None:
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk}
        run(issue, world.olga, **inputs, work_center_id=world.line.pk)
        assert refusal_of(issue, world.olga, **inputs).code == "not_allowed"

    def test_nobody_of_another_site(self, world: World, bolt: Item, rack: Location) -> None:
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk}
        refusal = refusal_of(issue, world.otto, **inputs, work_center_id=world.line.pk)
        assert "You may not move material here" in refusal.sentence
        assert Location.objects.visible_to(actor_of(world.otto)).count() == 0


class TestAPosting:
    def test_is_marked_once(self, world: World, bolt: Item, rack: Location) -> None:
        done = run(issue, WORKER, item_id=bolt.pk, quantity=Decimal(5), from_location_id=rack.pk)
        inputs = {"movement_id": done.movement_id, "posted_at": clock.now()}
        assert run(mark_posted, WORKER, **inputs, erp_reference="move,12") is True
        assert run(mark_posted, WORKER, **inputs, erp_reference="move,12") is False
        with pytest.raises(CommandRefused, match="under move,12 already"):
            run(mark_posted, WORKER, **inputs, erp_reference="move,13")
        assert [event.erp_reference for event in ledger("materials.movement_posted")] == ["move,12"]
        with pytest.raises(CommandRefused, match="You may not change items"):
            run(mark_posted, world.olga, **inputs, erp_reference="move,12")


@pytest.mark.django_db(transaction=True)
def test_the_last_pieces_are_given_out_once(world: World, bolt: Item, rack: Location) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        try:
            issue(WORKER, uuid4(), item_id=bolt.pk, quantity=Decimal(6), from_location_id=rack.pk)
            outcomes.append("taken")
        except CommandRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not_enough"] * 5 + ["taken"] * 3
    assert [line.quantity for line in stock(world.site.pk, bolt.pk)] == [2]
