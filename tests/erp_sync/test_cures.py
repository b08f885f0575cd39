"""What stands between the ERP and an order is decided where its exception is shown."""

from __future__ import annotations

from typing import Any

import pytest

from apps.andon.commands import apply_cure
from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import ExceptionStatus, FloorException
from apps.core.errors import CommandRefused
from apps.erp_sync.models import Posting
from apps.orders.models import ChangeState, PendingChange, WorkOrder
from apps.plant.models import Person
from tests.erp_sync.api_world import KG, PIECE, PUMP, ROTOR, make_system
from tests.erp_sync.outbox_world import Outbox, deliver_all
from tests.erp_sync.test_api_orders import BOM, LINE, ORDER, ROUTING, begin
from tests.seeded import seed_plant
from tests.world import World, actor_of, give_role, ledger, make_holder, make_person, make_world, run

pytestmark = pytest.mark.django_db(transaction=True)


def ways(who: Person) -> dict[str, InPlace]:
    subject = Subject(FloorException.objects.open().get())
    return {way.cure.code: way for way in cures_for([subject], actor_of(who))[subject]}


def press(who: Person, cure: str, **more: Any) -> None:
    exception = FloorException.objects.open().get()
    run(apply_cure, who, exception_id=exception.pk, cure=cure, inputs={}, **more)


@pytest.mark.usefixtures("quick")
class TestAPostingThatStandsStill:
    @pytest.fixture
    def parked(self, outbox: Outbox) -> Posting:
        outbox.erp.configure(rejects=["1"])
        outbox.work(1)
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        outbox.erp.configure(rejects=[])
        return Posting.objects.get(state="parked")

    def test_is_sent_again(self, outbox: Outbox, parked: Posting) -> None:
        press(make_holder("erp.post", place=outbox.world.site), "retry_posting")
        assert FloorException.objects.get().status == ExceptionStatus.CLOSED
        deliver_all()
        outbox.is_right()
        parked.refresh_from_db()
        assert parked.state == "posted"

    def test_is_left_out_with_a_reason_only(self, outbox: Outbox, parked: Posting) -> None:
        clerk = make_holder("erp.post", place=outbox.world.site)
        with pytest.raises(CommandRefused, match="Say why"):
            press(clerk, "skip_posting")
        press(clerk, "skip_posting", reason="Petra booked it by hand.")
        parked.refresh_from_db()
        assert parked.skipped_reason == "Petra booked it by hand."
        assert FloorException.objects.get().status == ExceptionStatus.CLOSED
        assert "Petra" not in str(ledger("andon.cure_applied")[-1].data)

    def test_is_decided_by_nobody_without_the_right(self, outbox: Outbox, parked: Posting) -> None:
        assert not ways(outbox.world.olga)["retry_posting"].is_possible
        for cure in ("retry_posting", "skip_posting"):
            with pytest.raises(CommandRefused) as refused:
                press(outbox.world.olga, cure, reason="x")
            assert refused.value.code == "not_allowed"
        parked.refresh_from_db()
        assert parked.state == "parked"


class TestAChangeOfAnOrderThatHasBegun:
    @pytest.fixture
    def world(self) -> World:
        seed_plant()
        return make_world()

    @pytest.fixture
    def petra(self, world: World) -> Person:
        petra = make_person("petra", site=world.site)
        give_role(petra, "planner", world.site)
        everywhere, system = make_system(), make_system(world.site)
        for name, rows in {"units": [PIECE, KG], "items": [PUMP, ROTOR], "boms": [BOM]}.items():
            everywhere.send(name, *rows)
        system.send("work-centers", LINE)
        system.send("routings", ROUTING)
        system.send("work-orders", ORDER)
        begin(world)
        system.send("work-orders", {**ORDER, "quantity": "30"})
        return petra

    def press(self, who: Person, cure: str, **more: Any) -> None:
        exception = FloorException.objects.get(cause_kind="erp_change")
        run(apply_cure, who, exception_id=exception.pk, cure=cure, inputs={}, **more)

    def test_is_applied(self, petra: Person) -> None:
        self.press(petra, "apply_change")
        assert (PendingChange.objects.get().state, WorkOrder.objects.get().quantity) == (ChangeState.APPLIED, 30)
        assert FloorException.objects.get(cause_kind="erp_change").status == ExceptionStatus.CLOSED

    def test_is_refused_with_a_reason_only(self, petra: Person) -> None:
        with pytest.raises(CommandRefused, match="Say why"):
            self.press(petra, "refuse_change")
        self.press(petra, "refuse_change", reason="The casting is used up.")
        assert PendingChange.objects.get().state == ChangeState.REFUSED
        assert WorkOrder.objects.get().quantity == 24

    @pytest.mark.usefixtures("petra")
    def test_is_decided_by_nobody_without_the_right(self, world: World) -> None:
        with pytest.raises(CommandRefused) as refused:
            self.press(world.olga, "apply_change")
        assert refused.value.code == "not_allowed"
        assert PendingChange.objects.get().state == ChangeState.OPEN
