"""What is around the subject of an event, as each app tells it: one query each, and nothing for what is gone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.andon.commands import call_for_help
from apps.orders.commands import take_edge
from apps.workflows.surroundings import FINDERS, Surroundings, surroundings_of
from tests.orders.shop import Shop, make_shop
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("subject_kind", sorted(set(FINDERS) - {"bell"}))
def test_what_is_gone_has_nothing_around_it_and_is_asked_for_once(subject_kind):
    with CaptureQueriesContext(connection) as queries:
        assert surroundings_of(subject_kind, "0", {}) == Surroundings()
    assert len(queries) == 1


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def test_of_an_operation_the_line_the_order_and_the_customer(shop):
    with CaptureQueriesContext(connection) as queries:
        found = surroundings_of("job_order", shop.job.pk, {})
    assert len(queries) == 1
    assert (found.site, found.line, found.station) == ("S1", "L3", "A33")
    assert (found.work_order, found.operation, found.item) == ("WO-1", "10", "ES-65")
    assert (found.work_center_id, found.job_order_id) == (shop.world.line.pk, shop.job.pk)
    assert found.thread == shop.job.work_order.thread


def test_of_an_order_no_line(shop):
    found = surroundings_of("work_order", shop.job.work_order_id, {})
    assert (found.site, found.work_order, found.line, found.work_center_id) == ("S1", "WO-1", "", None)


def test_of_a_machine_its_line(shop):
    found = surroundings_of("work_unit", shop.world.station.pk, {})
    assert (found.site, found.line, found.station) == ("S1", "L3", "A33")


def test_of_an_exception_the_place(shop):
    called = run(call_for_help, shop.world.olga, work_unit_id=shop.world.station.pk)
    found = surroundings_of("exception", called.exception_id, {})
    assert (found.line, found.station, found.exception_id) == ("L3", "A33", called.exception_id)


def test_of_working_time_its_operation(shop):
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    entry = shop.world.olga.time_entries.get()
    found = surroundings_of("time_entry", entry.pk, {})
    assert (found.line, found.work_order, found.operation) == ("L3", "WO-1", "10")
