"""One order from a real ERP to the floor and back: planned in Tryton, run in a browser, and read again in Tryton.

Midway Tryton is switched off; the people on the floor notice nothing, and afterwards nothing is missing or double.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from apps.andon.models import FloorException
from apps.core.actors import Actor
from apps.erp_sync.commands import name_employee
from apps.erp_sync.connectors.interface import DocumentState, Material, OrderActuals, OrderState
from apps.erp_sync.models import Comparison, ErpEmployee, ErpLink, Posting
from apps.erp_sync.projection import days_of
from apps.labor.models import TimeEntry
from apps.materials.models import Item, Location
from apps.materials.queries import stock
from apps.orders.commands import StepSpec, draft_master, publish_master
from apps.orders.models import Confirmation, JobOrder, StepRecord, WorkOrder
from apps.plant.models import Site, WorkCenter, WorkUnit
from tests.e2e.conftest import Floor
from tests.e2e.test_station import count, sign_in
from tests.tryton import Tryton, seed
from tests.tryton.linked import linked_world
from tests.tryton.plant import Plant
from tests.world import PIN, World, give_role, make_terminal, run

pytestmark = [pytest.mark.erp, pytest.mark.browser]
pytest_plugins = ["tests.tryton.plant"]
SYSTEM = Actor.system("tests")
NUMBER, QUANTITY = "WO-3001", 6
PATIENCE_SECONDS = 60.0


@dataclass
class Story:
    world: World
    link: ErpLink
    tryton: Tryton
    plant: Plant
    production: int

    @property
    def order(self) -> WorkOrder:
        return WorkOrder.objects.get(number=NUMBER)

    def job(self, sequence: int) -> JobOrder:
        return JobOrder.objects.select_related("work_unit").get(work_order=self.order, sequence=sequence)

    def station(self, sequence: int) -> WorkUnit:
        unit = self.job(sequence).work_unit
        assert unit is not None
        return unit

    def actuals(self) -> OrderActuals:
        record = self.plant.order(NUMBER)
        return self.plant.erp.reconcile(record.ref)


@pytest.fixture
def story(floor: Floor, tryton: Tryton, plant: Plant) -> Story:  # the product reads and posts
    """The site reads Tryton; the turning has a step to measure; then the planner releases an order in Tryton."""
    world, link = linked_world(tryton, read_seconds=1)
    eventually(lambda: Item.objects.filter(code="ROTOR-10").exists() and Location.objects.filter(code="SCRAP").exists())
    scrap = Location.objects.get(code="SCRAP")
    ErpLink.objects.update(policy={"read_seconds": 1, "scrap_locations": {"": scrap.erp_key}})
    give_role(world.olga, "operator", world.site)
    world.olga.set_pin(PIN)
    world.olga.save()
    eventually(lambda: ErpEmployee.objects.filter(link=link).count() >= len(seed.PEOPLE))
    ana = ErpEmployee.objects.get(name=seed.PEOPLE[0])
    run(name_employee, SYSTEM, employee_id=ana.pk, person_id=world.olga.pk)
    gap = StepSpec(
        kind="measure",
        titles={"en": "Measure the shaft"},
        frequency="once",
        unit="mm",
        low=Decimal("19.9"),
        high=Decimal(20),
    )
    rotor = Item.objects.get(code="ROTOR-10")
    master = run(draft_master, SYSTEM, item_id=rotor.pk, operation_name="Turn shaft", steps=[gap])
    run(publish_master, SYSTEM, master_id=master)
    production = seed.order(plant.admin, NUMBER, "ROTOR-10", QUANTITY, start=0)
    plant.admin.call("model.production.wait", [production])
    eventually(lambda: JobOrder.objects.filter(work_order__number=NUMBER, sequence=10, status="ready").exists())
    return Story(world, link, tryton, plant, production)


def test_an_order_from_the_erp_is_run_on_the_floor_and_is_back_in_the_erp(floor: Floor, story: Story) -> None:
    line = WorkCenter.objects.get(site=story.world.site, name="Plant 1")
    wall = floor.screen(f"/line/S1/{line.code}/", make_terminal(story.world.site, line=line), width=1920, height=1080)
    expect(wall.locator("body")).to_contain_text(NUMBER)
    turn_shafts(floor, story, wall)
    balance(floor, story, wall)
    eventually(lambda: story.plant.order(NUMBER).state is OrderState.DONE, seconds=120)
    eventually(lambda: not Posting.objects.exclude(state="posted").exists())
    is_exact(story)
    nothing_more_happens(story)
    is_reconciled_until_somebody_alters_it(story)


def is_reconciled_until_somebody_alters_it(story: Story) -> None:
    """The worker has laid our sums beside Tryton's; a piece that somebody cancels there is found."""
    eventually(lambda: Comparison.objects.exclude(compared_at=None).exists(), seconds=60)
    comparison = Comparison.objects.get(work_order=story.order)
    assert (comparison.differences, comparison.next_at is not None) == ([], True)
    (received, *_) = [move for move in story.actuals().order.receipts if not move.to_waste]
    story.plant.admin.call("model.stock.move.cancel", [int(received.ref.id)])
    Comparison.objects.update(next_at=Now())
    eventually(lambda: FloorException.objects.open().filter(cause_kind="reconciliation").exists(), seconds=60)
    (difference,) = Comparison.objects.get().differences
    assert (difference["figure"], difference["ours"]) == ("made", "5")


def turn_shafts(floor: Floor, story: Story, wall: Page) -> None:
    """Six pieces in three bookings: a part of them, one scrapped, and the rest while the ERP is off."""
    unit = story.station(10)
    page = floor.screen(f"/station/S1/{unit.code}/", make_terminal(story.world.site, station=unit))
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#do")).to_contain_text("Measure the shaft")
    page.fill("#do [name=value]", "19.95")
    page.locator("#do .go").click()
    expect(page.locator("#do")).not_to_contain_text("Measure the shaft")
    count(page, "2")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("2")
    expect(wall.locator("#board-units")).to_contain_text("2 / 6")
    eventually(lambda: story.plant.order(NUMBER).state is OrderState.RUNNING)
    story.tryton.stop()
    count(page, "1", "1")
    expect(page.locator("#station-job [data-value=scrap]")).to_have_text("1")
    expect(wall.locator("#board-units")).to_contain_text("3 / 6")
    count(page, "2")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("5")
    complete_short(page)
    expect(page.locator("#station-job")).not_to_contain_text(NUMBER)
    assert story.job(10).status == "completed"


def balance(floor: Floor, story: Story, wall: Page) -> None:
    """The five that are left, Tryton still off at first: nobody at the station notices."""
    unit = story.station(20)
    page = floor.screen(f"/station/S1/{unit.code}/", make_terminal(story.world.site, station=unit))
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    count(page, "3")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("3")
    assert Posting.objects.exclude(state="posted").exists()
    story.tryton.restart()
    count(page, "2")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("5")
    expect(wall.locator("#board-units")).to_contain_text("5 /")
    complete_short(page)
    expect(page.locator("#station-job")).not_to_contain_text(NUMBER)
    expect(wall.locator("#board-next")).not_to_contain_text(NUMBER)
    assert story.job(20).status == "completed"


def complete_short(page: Page) -> None:
    page.locator("#do").get_by_role("button", name="Complete short…").click()
    sheet = page.locator("#edge-complete_short")
    sheet.get_by_text("Scrap is not replaced").click()
    sheet.get_by_role("button", name="Complete short", exact=True).click()


def is_exact(story: Story) -> None:
    """Quantities, movements with their lots, cycles, time sheet lines and state, by Tryton's own records."""
    actuals = story.actuals()
    lot = NUMBER
    assert dict(actuals.received) == {Material("ROTOR-10", lot, "u"): Decimal(5)}
    assert dict(actuals.scrapped) == {Material("ROTOR-10", lot, "u"): Decimal(1)}
    assert dict(actuals.issued) == {
        Material("BAR-20", "H-88120", "kg"): Decimal("14.4"),
        Material("BOLT-M8", "", "u"): Decimal(12),
    }
    order = actuals.order
    received = [move for move in order.receipts if move.state is DocumentState.POSTED and not move.to_waste]
    assert sorted(move.quantity.value for move in received) == [2, 3]
    assert {move.to_location.id for move in received} == {story.plant.places["STO"].id}
    scrapped = [move for move in order.receipts if move.to_waste]
    assert [(m.state, m.to_location.id) for m in scrapped] == [(DocumentState.POSTED, story.plant.places["SCRAP"].id)]
    assert [operation.erp_state for operation in order.operations] == ["done", "done"]
    cycles = [len([c for c in op.cycles if c.state is DocumentState.POSTED]) for op in order.operations]
    assert cycles == [4, 3]  # one with each booking, one at the end
    assert not actuals.open
    keys = {posting.key for posting in Posting.objects.filter(kind__in=("move", "cycle", "labor"))}
    assert set(actuals.keys) == keys
    assert StepRecord.objects.get(value__isnull=False).value == Decimal("19.95")
    for operation, job in zip(order.operations, (story.job(10), story.job(20)), strict=True):
        ran = sum((i.ended_at - i.started_at for i in job.intervals.filter(phase="run") if i.ended_at), timedelta(0))
        assert abs(actuals.machine_time[operation.ref.id] - ran) < timedelta(seconds=1)
        entries = TimeEntry.objects.filter(job_order=job)
        spent = sum((sum(days_of(e, story.world.site.zone).values(), timedelta(0)) for e in entries), timedelta(0))
        assert actuals.labor_time[operation.ref.id] == spent
        assert {line.person.id for line in operation.labor} == {story.plant.people[seed.PEOPLE[0]].id}


def nothing_more_happens(story: Story) -> None:
    """A second synchronisation changes nothing on either side, and both say the same of the stock."""
    before = story.actuals()
    told = Posting.objects.count()
    booked = Confirmation.objects.count()
    time.sleep(5)
    assert story.actuals() == before
    assert (Posting.objects.count(), Confirmation.objects.count()) == (told, booked)
    site: Site = story.world.site
    for code in ("BAR-20", "BOLT-M8", "ROTOR-10"):
        on_hand = sum((r.on_hand.value for r in story.plant.erp.stock(story.plant.items[code])), Decimal(0))
        assert lying(site, code) == on_hand, code


def lying(site: Site, code: str) -> Decimal:
    item = Item.objects.get(code=code)
    return sum((line.quantity for line in stock(site.pk, item.pk)), Decimal(0))


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, [
            (p.kind, p.state, p.last_error, p.parked_reason) for p in Posting.objects.exclude(state="posted")
        ]
        time.sleep(0.2)
