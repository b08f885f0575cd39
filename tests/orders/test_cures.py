"""What can be done about a blocked order, from the page that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.andon.commands import apply_cure
from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import AppliedCure, ExceptionStatus, FloorException, Informed, Remark
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.materials.commands import hold_lot
from apps.materials.models import Bom, BomLine, Item, StockSnapshot
from apps.orders.commands import reconsider_job, take_edge
from apps.orders.models import Blocker, JobMaterial, JobOrder
from apps.orders.tasks import recheck_materials
from apps.plant.models import Person, Purpose
from tests.andon.floor import MORNING, make_floor, raise_it
from tests.materials.stock_world import make_item, make_location, put_stock, there
from tests.orders.shop import SYSTEM, make_job, reason
from tests.orders.test_material_use import Store, make_store
from tests.world import actor_of, give_role, ledger, make_person, make_station, run

pytestmark = pytest.mark.django_db


@dataclass
class Short:
    """Order WO-9 over 24 pumps at line L3 that lacks seals; sven may do all that a supervisor may."""

    store: Store
    sven: Person = field(init=False)

    def __post_init__(self) -> None:
        self.sven = make_person("sven", site=self.store.shop.world.site)
        give_role(self.sven, "shift_supervisor", self.store.shop.world.site)

    @property
    def exception(self) -> FloorException:
        return FloorException.objects.get(cause_kind="shortage")

    @property
    def blocker(self) -> Blocker:
        return Blocker.objects.get(exception=self.exception, job_order=self.store.job_id)

    def ways(self, cure: str, who: Person | None = None) -> list[InPlace]:
        subject = Subject(self.exception, self.blocker.pk)
        found = cures_for([subject], actor_of(who or self.sven))[subject]
        return [way for way in found if way.cure.code == cure]

    def press(self, way: InPlace, who: Person | None = None) -> Any:
        return run(
            apply_cure,
            who or self.sven,
            exception_id=self.exception.pk,
            part_id=self.blocker.pk,
            cure=way.cure.code,
            inputs=dict(way.offer.inputs),
        )


@pytest.fixture
def short() -> Short:
    return Short(make_store(seals=40))


class TestBorrowing:
    def test_takes_what_lies_at_a_line_and_the_order_can_run(self, short: Short) -> None:
        line = make_location(short.store.shop.world.site, "LINE-2", kind="production")
        put_stock(short.store.seal, line, 30)
        (way,) = short.ways("borrow")
        assert (way.offer.label, way.offer.cost) == ("Take 8 u from LINE-2", "22 u of SEAL stay at LINE-2")
        short.press(way)
        assert there(short.store.seal, line) == 22
        assert not Blocker.objects.open().exists()
        assert short.exception.status == ExceptionStatus.CLOSED
        assert ledger("andon.cure_applied")[-1].data["cure"] == "borrow"

    def test_says_why_not_where_nothing_lies_at_a_line(self, short: Short) -> None:
        (way,) = short.ways("borrow")
        assert not way.is_possible
        assert "No SEAL lies at a line" in way.why_not
        with pytest.raises(CommandRefused) as refused:
            short.press(way)
        assert refused.value.code == "not_possible"

    def test_that_does_not_suffice_leaves_it_open(self, short: Short) -> None:
        put_stock(short.store.seal, make_location(short.store.shop.world.site, "LINE-2", kind="production"), 2)
        short.press(short.ways("borrow")[0])
        assert short.blocker.sentence.startswith("6 u of SEAL")
        assert short.exception.is_open

    def test_is_refused_when_somebody_took_it_meanwhile(self, short: Short) -> None:
        line = make_location(short.store.shop.world.site, "LINE-2", kind="production")
        put_stock(short.store.seal, line, 30)
        (way,) = short.ways("borrow")
        StockSnapshot.objects.filter(location=line).update(stock_quantity=3)
        with pytest.raises(CommandRefused) as refused:
            short.press(way)
        assert refused.value.code == "out_of_date"
        assert not AppliedCure.objects.exists()

    def test_is_not_for_who_may_not_move_material(self, short: Short) -> None:
        put_stock(short.store.seal, make_location(short.store.shop.world.site, "LINE-2", kind="production"), 30)
        mia = make_person("mia", site=short.store.shop.world.site)
        give_role(mia, "maintenance_technician", short.store.shop.world.site)
        (way,) = short.ways("borrow", mia)
        assert way.why_not.startswith("It can be done by: ")
        with pytest.raises(CommandRefused) as refused:
            short.press(way, mia)
        assert refused.value.code == "not_allowed"


class TestAnotherLot:
    def test_that_is_held_is_released_by_quality(self) -> None:
        store = make_store(seals=48)
        run(hold_lot, SYSTEM, lot_id=store.new.pk)
        recheck_materials.run()
        short = Short(store)
        ines = make_person("ines", site=store.shop.world.site)
        give_role(ines, "quality_lead", store.shop.world.site)
        (way,) = short.ways("release_lot")
        assert way.why_not.startswith("It can be done by: ")
        (way,) = short.ways("release_lot", ines)
        assert (way.offer.label, way.offer.cost) == ("Release lot C-NEW", "20 u may be used again, by every order")
        short.press(way, ines)
        assert short.exception.status == ExceptionStatus.CLOSED

    def test_says_that_none_is_held(self, short: Short) -> None:
        assert "counts already" in short.ways("release_lot")[0].why_not


class TestRunningWithoutIt:
    def test_is_decided_as_far_as_the_material_goes(self, short: Short) -> None:
        (way,) = short.ways("run_in_part")
        assert (way.offer.label, way.offer.cost) == (
            "Run without it up to 20",
            "4 stay open until it is there",
        )
        short.press(way)
        assert short.blocker.reach == "Runs to 20 of 24"
        assert short.exception.is_open, "the material is short still"
        assert short.ways("run_in_part")[0].why_not == "It is decided already."

    def test_falls_with_the_reach_for_which_it_was_decided(self, short: Short) -> None:
        short.press(short.ways("run_in_part")[0])
        StockSnapshot.objects.filter(item=short.store.seal).update(stock_quantity=30)
        recheck(short)
        assert short.blocker.runs_to is None
        assert short.blocker.reach == "Can make 15 of 24"

    def test_is_not_possible_with_nothing_there(self) -> None:
        short = Short(make_store(seals=1))
        assert "Not one more piece" in short.ways("run_in_part")[0].why_not

    def test_is_not_for_an_operator(self, short: Short) -> None:
        with pytest.raises(CommandRefused) as refused:
            short.press(short.ways("run_in_part")[0], short.store.shop.world.olga)
        assert refused.value.code == "not_allowed"
        assert short.blocker.runs_to is None


def recheck(short: Short) -> None:
    run(reconsider_job, SYSTEM, job_order_id=short.store.job_id)


class TestASubstitute:
    def other_list(self, short: Short, *, stock: int) -> tuple[Bom, Item]:
        other = make_item("SEAL-B")
        if stock:
            put_stock(other, short.store.rack, stock)
        bom = Bom.objects.create(item=short.store.pump, code="PUMP/B")
        for position, (item, quantity) in enumerate([(short.store.casting, 1), (other, 3)], start=1):
            BomLine.objects.create(
                bom=bom, item=item, quantity=Decimal(quantity), unit=item.unit, position=position, operation_sequence=10
            )
        return bom, other

    def test_is_taken_from_another_parts_list_of_the_product(self, short: Short) -> None:
        bom, _other = self.other_list(short, stock=100)
        (way,) = short.ways("substitute")
        assert (way.offer.label, way.offer.cost) == (
            "Use SEAL-B instead",
            "as parts list PUMP/B says, for the 24 that are left",
        )
        short.press(way)
        needs = JobMaterial.objects.filter(job_order=short.store.job_id)
        assert set(needs.values_list("item__code", "per_piece")) == {("CAST", 1), ("SEAL-B", 3)}
        assert short.exception.status == ExceptionStatus.CLOSED
        assert ledger("orders.material_substituted")[-1].data["bom_id"] == bom.pk

    def test_that_is_not_there_either_is_no_help(self, short: Short) -> None:
        self.other_list(short, stock=0)
        assert short.ways("substitute")[0].why_not == "No SEAL-B is there either."

    def test_says_when_no_parts_list_does_without_it(self, short: Short) -> None:
        assert short.ways("substitute")[0].why_not == "No other parts list of PUMP does without SEAL."

    def test_is_not_for_a_line_lead(self, short: Short) -> None:
        self.other_list(short, stock=100)
        with pytest.raises(CommandRefused) as refused:
            short.press(short.ways("substitute")[0], short.store.shop.world.lena)
        assert refused.value.code == "not_allowed"


class TestExpediting:
    def test_tells_purchasing_once(self) -> None:
        floor = make_floor()
        clock.move_to(MORNING, rate=0)
        pat = floor.member("pat", "purchasing")
        floor.roster(pat, "purchasing", MORNING - timedelta(hours=1), MORNING + timedelta(hours=8))
        seal = make_item("SEAL")
        job = make_job(floor.world.line, floor.world.station)
        JobMaterial.objects.create(job_order=job, item=seal, per_piece=Decimal(1))
        run(reconsider_job, SYSTEM, job_order_id=job.pk)
        shortage = FloorException.objects.get(cause_kind="shortage")
        subject = Subject(shortage)

        def way() -> InPlace:
            return next(w for w in cures_for([subject], actor_of(floor.sven))[subject] if w.cure.code == "expedite")

        assert way().offer.cost == "Pat is told"
        run(apply_cure, floor.sven, exception_id=shortage.pk, cure="expedite", inputs={})
        assert Informed.objects.filter(exception=shortage, person=pat).exists()
        assert "SEAL is short" in Remark.objects.get(exception=shortage).text
        assert way().why_not.startswith("Purchasing was asked at ")

    def test_says_when_nobody_of_purchasing_is_there(self, short: Short) -> None:
        assert short.ways("expedite")[0].why_not == "Nobody of purchasing is on duty."


class TestAMachineThatStands:
    @pytest.fixture
    def stopped(self) -> tuple[Any, JobOrder, FloorException]:
        floor = make_floor()
        job = make_job(floor.world.line, floor.world.station)
        exception_id = run(
            raise_it,
            SYSTEM,
            type_code="downtime",
            key="A33",
            site_id=floor.world.site.pk,
            line_id=floor.world.line.pk,
            unit_id=floor.world.station.pk,
        )
        return floor, job, FloorException.objects.get(pk=exception_id)

    def ways(self, exception: FloorException, who: Person) -> list[InPlace]:
        return cures_for([Subject(exception)], actor_of(who))[Subject(exception)]

    def test_its_order_moves_to_a_free_station_of_the_line(self, stopped: tuple[Any, JobOrder, FloorException]) -> None:
        floor, job, exception = stopped
        other = make_station(floor.world.line, "A34", position=2)
        (way,) = self.ways(exception, floor.sven)
        assert (way.offer.label, way.offer.cost) == ("Move WO-1 to A34", "nothing waits there")
        run(apply_cure, floor.sven, exception_id=exception.pk, cure="move", inputs=dict(way.offer.inputs))
        job.refresh_from_db()
        assert job.work_unit_id == other.pk
        assert FloorException.objects.get(pk=exception.pk).is_open, "the machine stands still"

    def test_a_station_at_work_is_no_alternative(self, stopped: tuple[Any, JobOrder, FloorException]) -> None:
        floor, _job, exception = stopped
        other = make_station(floor.world.line, "A34", position=2)
        busy = make_job(floor.world.line, other, number="WO-2")
        run(take_edge, floor.world.olga, job_order_id=busy.pk, edge="start", inputs={})
        (way,) = self.ways(exception, floor.sven)
        assert way.why_not == "A34 is at work on WO-2."
        with pytest.raises(CommandRefused) as refused:
            run(apply_cure, floor.sven, exception_id=exception.pk, cure="move", inputs=dict(way.offer.inputs))
        assert refused.value.code == "not_possible"

    def test_what_runs_is_paused_first(self, stopped: tuple[Any, JobOrder, FloorException]) -> None:
        floor, job, exception = stopped
        make_station(floor.world.line, "A34", position=2)
        run(take_edge, floor.world.olga, job_order_id=job.pk, edge="start", inputs={})
        assert self.ways(exception, floor.sven)[0].why_not == "WO-1 runs. Pause it first, then move it."
        run(take_edge, floor.world.olga, job_order_id=job.pk, edge="pause", inputs={"reason": reason(Purpose.PAUSE)})
        assert self.ways(exception, floor.sven)[0].is_possible

    def test_an_operator_does_not_move_orders(self, stopped: tuple[Any, JobOrder, FloorException]) -> None:
        floor, _job, exception = stopped
        make_station(floor.world.line, "A34", position=2)
        (way,) = self.ways(exception, floor.world.olga)
        with pytest.raises(CommandRefused) as refused:
            run(apply_cure, floor.world.olga, exception_id=exception.pk, cure="move", inputs=dict(way.offer.inputs))
        assert refused.value.code == "not_allowed"


def test_a_cure_of_another_cause_is_none(short: Short) -> None:
    with pytest.raises(CommandRefused) as refused:
        run(apply_cure, short.sven, exception_id=short.exception.pk, cure="retry_posting", inputs={})
    assert refused.value.code == "no_cure"


def test_a_closed_exception_is_not_cured(short: Short) -> None:
    (way,) = short.ways("run_in_part")
    exception, blocker = short.exception, short.blocker
    put_stock(short.store.seal, make_location(short.store.shop.world.site, "RACK-C"), 400)
    recheck(short)
    with pytest.raises(CommandRefused) as refused:
        run(
            apply_cure,
            short.sven,
            exception_id=exception.pk,
            part_id=blocker.pk,
            cure=way.cure.code,
            inputs=dict(way.offer.inputs),
        )
    assert refused.value.code == "closed"
