"""A prepared query answers as its queryset does, and is planned once."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from apps.core.prepared import Given, Prepared
from apps.plant.models import WorkCenter
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def at_site(site_code: object, name: object) -> QuerySet[WorkCenter]:
    rows = WorkCenter.objects.select_related("site", "area").filter(site__code=site_code, kind=WorkCenter.Kind.LINE)
    return rows.exclude(name=name).order_by("code")


LINES = Prepared(lambda: at_site(Given("site"), Given("besides")))
LOCKED = Prepared(lambda: WorkCenter.objects.select_for_update().filter(pk=Given("pk")))
CODES = Prepared(lambda: WorkCenter.objects.filter(pk=Given("pk")).values_list("code", flat=True))


def test_it_answers_as_its_queryset_does(world: World) -> None:
    site = world.site
    with CaptureQueriesContext(connection) as queries:
        found = LINES(site=site.code, besides="nothing")
        seen = [(line.code, line.site.name, line.area.name) for line in found]
    assert len(queries) == 1, "what it selects along is there"
    assert seen == [(line.code, line.site.name, line.area.name) for line in at_site(site.code, "nothing")]
    assert seen


def test_each_call_has_its_own_inputs(world: World) -> None:
    line = world.line
    assert line in LINES(site=world.site.code, besides="nothing")
    assert line not in LINES(site=world.site.code, besides=line.name)
    assert LINES(site="nowhere", besides="nothing") == []


def test_its_rows_are_rows_like_any_other(world: World) -> None:
    (line,) = LOCKED(pk=world.line.pk)
    line.name = "Line three"
    line.save()
    assert WorkCenter.objects.get(pk=line.pk).name == "Line three"
    assert LOCKED(pk=line.pk)[0].name == "Line three"


def test_values_come_as_values(world: World) -> None:
    assert CODES(pk=world.line.pk) == [world.line.code]


def test_an_input_that_is_missing_is_an_error_and_runs_nothing() -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(KeyError, match="besides"):
        LINES(site="S1")
    assert not queries


def test_none_is_no_input() -> None:
    with pytest.raises(ValueError, match="None"):
        CODES(pk=None)


def test_what_would_be_dropped_silently_is_refused() -> None:
    prefetching = Prepared(lambda: WorkCenter.objects.prefetch_related("work_units").filter(pk=Given("pk")))
    with pytest.raises(ValueError, match="prefetches"):
        prefetching(pk=1)


def test_one_of_a_list_whatever_its_length(world: World) -> None:
    some = Prepared(lambda: WorkCenter.objects.filter(pk__any=Given("pks")).order_by("pk"))
    assert some(pks=[]) == []
    assert some(pks=[world.line.pk]) == [world.line]
    assert some(pks=[world.other_line.pk, world.line.pk]) == sorted(
        [world.line, world.other_line], key=lambda line: line.pk
    )


def test_the_log_of_queries_has_its_text(world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        CODES(pk=world.line.pk)
    assert 'SELECT "plant_workcenter"."code"' in queries[0]["sql"]


def test_the_connection_plans_it_once(world: World) -> None:
    for _ in range(5):
        CODES(pk=world.line.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s",
            ['SELECT "plant_workcenter"."code"%$1%'],
        )
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_within_a_transaction_only(world: World) -> None:
    with pytest.raises(TransactionManagementError):
        LOCKED(pk=world.line.pk)
    with transaction.atomic():
        assert LOCKED(pk=world.line.pk)


@pytest.mark.django_db(transaction=True)
def test_every_thread_asks_on_its_own_connection(world: World) -> None:
    found: list[object] = []

    def ask() -> None:
        try:
            found.extend(CODES(pk=world.line.pk))
        finally:
            connection.close()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [world.line.code] * 4
