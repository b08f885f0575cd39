"""Every blocked work order: by what, whose it is, until when, and what can be done about it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.andon.models import FloorException
from apps.orders.blocked import Wanted, blocked
from apps.orders.models import JobOrder
from apps.plant.models import Person
from tests.andon.floor import raise_it
from tests.orders.shop import SYSTEM
from tests.orders.test_cures import Short
from tests.orders.test_material_use import Store, make_store
from tests.orders.test_shortages import order
from tests.world import actor_of, give_role, make_person, run

pytestmark = pytest.mark.django_db
SOON, LATE = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture
def store() -> Store:
    return make_store(seals=4)


def numbers(who: Person, store: Store, wanted: Wanted | None = None, **more: int) -> list[str]:
    page = blocked(actor_of(who), store.shop.world.site.pk, wanted, **more)
    return [row.order.number for row in page.rows]


def sven(store: Store) -> Person:
    return Short(store).sven


def test_a_supervisor_sees_each_blocked_order_with_cause_owner_clock_and_cures(store: Store) -> None:
    order(store, "WO-10", SOON)
    page = blocked(actor_of(sven(store)), store.shop.world.site.pk)
    row = next(row for row in page.rows if row.order.number == "WO-10")
    assert (row.reach, row.cause) == ("Can make 2 of 6", "8 u of SEAL are short.")
    assert row.exception.owner.username == "duty-desk"
    assert row.exception.deadline_at is not None
    assert {way.cure.code for way in row.cures} >= {"borrow", "substitute", "run_in_part", "expedite", "release_lot"}
    assert row.cures[0].is_possible
    assert page.total == 2


def test_the_nearest_deadline_comes_first_then_the_due_date(store: Store) -> None:
    order(store, "WO-LATE", LATE)
    order(store, "WO-SOON", SOON)
    FloorException.objects.update(deadline_at=None)
    assert numbers(sven(store), store) == ["WO-SOON", "WO-LATE", "WO-9"]


def test_a_machine_that_stops_an_order_is_in_the_list(store: Store) -> None:
    site, job = store.shop.world.site, JobOrder.objects.get(pk=store.job_id)
    exception_id = run(raise_it, SYSTEM, type_code="downtime", key="M12", site_id=site.pk, line_id=job.work_center_id)
    FloorException.objects.filter(pk=exception_id).update(work_order_id=job.work_order_id)
    rows = blocked(actor_of(sven(store)), site.pk).rows
    assert [(row.order.number, row.blocker is None) for row in rows] == [("WO-9", True), ("WO-9", False)]
    assert rows[0].cause == rows[0].exception.headline


def test_the_list_is_narrowed_by_line_area_and_owner(store: Store) -> None:
    who, world = sven(store), store.shop.world
    owner = FloorException.objects.get().owner_id
    assert numbers(who, store, Wanted(line_id=world.line.pk, area_id=world.area.pk, owner_id=owner)) == ["WO-9"]
    for other in (
        Wanted(line_id=world.other_line.pk),
        Wanted(area_id=world.other_line.area_id),
        Wanted(owner_id=who.pk),
    ):
        assert numbers(who, store, other) == []


def test_it_comes_in_pages(store: Store) -> None:
    for n in range(3):
        order(store, f"WO-1{n}", SOON)
    who = sven(store)
    pages = [numbers(who, store, page=n, size=2) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 2, 0]
    assert len({number for page in pages for number in page}) == 4


def test_each_sees_the_orders_of_their_own_places(store: Store) -> None:
    world = store.shop.world
    assert numbers(world.lena, store) == ["WO-9"], "the lead of the line"
    assert numbers(world.otto, store) == [], "an operator of another site"
    elsewhere = make_person("lou", site=world.other_site)
    give_role(elsewhere, "line_lead", world.other_line)
    assert numbers(elsewhere, store) == []


def test_the_number_of_queries_does_not_grow_with_the_orders(store: Store) -> None:
    actor, site = actor_of(sven(store)), store.shop.world.site.pk

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            blocked(actor, site)
        # The clock is read again when what is known of it is a second old.
        return sum("core_sharedclock" not in query["sql"] for query in asked.captured_queries)

    queries()
    few = queries()
    for n in range(12):
        order(store, f"WO-1{n}", SOON)
    assert queries() == few
