"""Lots: which may be used, by whom they are held, and that no road leads past a hold."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.materials.commands import (
    ensure_lot,
    hold_lot,
    issue,
    release_lot,
    return_material,
    reverse_movement,
    scrap,
    transfer,
)
from apps.materials.models import Item, Location, LocationKind, Lot, LotStatus
from apps.plant.models import ReasonCode
from tests.materials.stock_world import (
    WORKER,
    make_location,
    make_lot,
    refusal_of,
    there,
)
from tests.world import World, ledger, make_holder, make_reason, run

pytestmark = pytest.mark.django_db


class TestLots:
    def test_a_lot_tracked_item_moves_by_lot_only(self, seal: Item, lot: Lot, rack: Location) -> None:
        refusal = refusal_of(issue, WORKER, item_id=seal.pk, quantity=Decimal(1), from_location_id=rack.pk)
        assert (refusal.code, refusal.sentence) == ("lot_missing", "SEAL-07 moves by lot. Scan the lot.")
        run(issue, WORKER, item_id=seal.pk, quantity=Decimal(1), from_location_id=rack.pk, lot_id=lot.pk)
        assert there(seal, rack, lot) == 19

    def test_a_lot_of_another_item_is_refused(self, bolt: Item, lot: Lot, rack: Location) -> None:
        inputs = {"item_id": bolt.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": lot.pk}
        assert refusal_of(issue, WORKER, **inputs).code == "lot_of_other_item"

    def test_one_lot_does_not_serve_for_another(self, seal: Item, lot: Lot, rack: Location) -> None:
        other = make_lot(seal, "S-2")
        inputs = {"item_id": seal.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": other.pk}
        assert "There are 0 u of SEAL-07, lot S-2, in RACK-A, not 1." in refusal_of(issue, WORKER, **inputs).sentence

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"status": LotStatus.HELD}, "lot_held"),
            ({"status": LotStatus.EXPIRED}, "lot_expired"),
            ({"status": LotStatus.CLOSED}, "lot_closed"),
            ({"expires_on": date(2020, 1, 1)}, "lot_expired"),
            ({"blocked_in_erp": True}, "lot_blocked"),
        ],
    )
    def test_one_that_may_not_be_used_is_not_consumed_by_any_road(
        self, world: World, seal: Item, lot: Lot, rack: Location, at_line: Location, change: dict[str, Any], code: str
    ) -> None:
        Lot.objects.filter(pk=lot.pk).update(**change)
        inputs = {"item_id": seal.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": lot.pk}
        assert refusal_of(issue, WORKER, **inputs).code == code
        assert refusal_of(transfer, WORKER, **inputs, to_location_id=at_line.pk).code == code

    def test_one_is_good_on_its_last_day_of_the_site(self, world: World, seal: Item, lot: Lot, rack: Location) -> None:
        today = clock.now().astimezone(world.site.zone).date()
        inputs = {"item_id": seal.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": lot.pk}
        Lot.objects.filter(pk=lot.pk).update(expires_on=today)
        run(issue, WORKER, **inputs)
        Lot.objects.filter(pk=lot.pk).update(expires_on=today - timedelta(days=1))
        assert refusal_of(issue, WORKER, **inputs).code == "lot_expired"

    def test_a_held_one_goes_to_quarantine_and_scrap_but_not_out_again(
        self, world: World, seal: Item, lot: Lot, rack: Location
    ) -> None:
        cage = make_location(world.site, "QUAR", kind=LocationKind.QUARANTINE)
        run(hold_lot, world.ivan, lot_id=lot.pk)
        inputs = {"item_id": seal.pk, "lot_id": lot.pk}
        run(transfer, WORKER, **inputs, quantity=Decimal(5), from_location_id=rack.pk, to_location_id=cage.pk)
        back = {**inputs, "quantity": Decimal(1), "from_location_id": cage.pk}
        assert refusal_of(transfer, WORKER, **back, to_location_id=rack.pk).code == "lot_held"
        run(scrap, WORKER, **back, reason_id=make_reason("scrap", "torn").pk)
        run(release_lot, world.ivan, lot_id=lot.pk)
        run(transfer, WORKER, **back, to_location_id=rack.pk)
        assert (there(seal, cage, lot), there(seal, rack, lot)) == (3, 16)

    def test_undoing_does_not_bring_a_held_one_back_to_use(
        self, world: World, seal: Item, lot: Lot, rack: Location, mistyped: ReasonCode
    ) -> None:
        cage = make_location(world.site, "QUAR", kind=LocationKind.QUARANTINE)
        inputs = {"item_id": seal.pk, "lot_id": lot.pk, "quantity": Decimal(2)}
        run(issue, WORKER, **inputs, from_location_id=rack.pk)
        returned = run(return_material, WORKER, **inputs, to_location_id=rack.pk)
        moved = run(transfer, WORKER, **inputs, from_location_id=rack.pk, to_location_id=cage.pk)
        run(hold_lot, world.ivan, lot_id=lot.pk)
        for answer in (returned, moved):
            inputs = {"movement_id": answer.movement_id, "reason_id": mistyped.pk}
            assert refusal_of(reverse_movement, WORKER, **inputs).code == "lot_held"

    def test_are_held_and_released_once(self, world: World, lot: Lot) -> None:
        assert run(hold_lot, world.ivan, lot_id=lot.pk, for_kind="nonconformance", for_id="9") is True
        assert run(hold_lot, world.ivan, lot_id=lot.pk) is False
        assert run(release_lot, world.ivan, lot_id=lot.pk) is True
        assert run(release_lot, world.ivan, lot_id=lot.pk) is False
        assert [event.data["for_id"] for event in ledger("materials.lot_held")] == ["9"]
        with pytest.raises(CommandRefused, match="You may not hold lots here"):
            run(hold_lot, world.olga, lot_id=lot.pk)
        assert lot.history.count() == 3

    def test_of_another_site_are_not_held(self, world: World, lot: Lot) -> None:
        inspector_there = make_holder("materials.hold_lot", place=world.other_site)
        with pytest.raises(CommandRefused, match="You may not hold lots here"):
            run(hold_lot, inspector_there, lot_id=lot.pk)

    def test_are_made_with_the_shelf_life_of_their_item_and_once(self, world: World, seal: Item) -> None:
        Item.objects.filter(pk=seal.pk).update(shelf_life_days=10)
        inputs = {"item_id": seal.pk, "number": " S-9 ", "site_id": world.site.pk}
        first, second = run(ensure_lot, WORKER, **inputs), run(ensure_lot, WORKER, **inputs)
        assert (first.created, second.created, first.lot_id == second.lot_id) == (True, False, True)
        today = clock.now().astimezone(world.site.zone).date()
        assert Lot.objects.get(pk=first.lot_id).expires_on == today + timedelta(days=10)
        assert len(ledger("materials.lot_created")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_hold_waits_for_the_issue_before_it_or_stops_the_one_after(
    world: World, seal: Item, lot: Lot, rack: Location
) -> None:
    held = threading.Event()
    codes: list[str] = []

    def take() -> None:
        held.wait()
        try:
            inputs = {"item_id": seal.pk, "quantity": Decimal(1), "from_location_id": rack.pk, "lot_id": lot.pk}
            issue(WORKER, uuid4(), **inputs)
        except CommandRefused as refusal:
            codes.append(refusal.code)
        finally:
            connection.close()

    thread = threading.Thread(target=take)
    thread.start()
    with transaction.atomic():
        Lot.objects.select_for_update().get(pk=lot.pk)
        Lot.objects.filter(pk=lot.pk).update(status=LotStatus.HELD)
        held.set()
        thread.join(timeout=0.3)
        assert thread.is_alive()
    thread.join()
    assert codes == ["lot_held"]
