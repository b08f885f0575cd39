"""So many of the same within a time, and rest: counted once per event, by whoever books at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock
from apps.workflows.models import RuleFailure, RuleFiring, RuleOccurrence
from apps.workflows.rules.counting import is_full
from apps.workflows.tasks import prune_rules
from tests.workflows.rules.bells import SYSTEM, alarms, failing, publish, ring, spec
from tests.workflows.testapp.commands import ring_bell
from tests.world import make_calendar, make_site

MONDAY = datetime(2030, 1, 7, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY_MINUTES = 24 * 60

in_a_transaction = pytest.mark.django_db


@pytest.fixture
def noon():
    clock.move_to(MONDAY, rate=0)


def after(minutes: float) -> None:
    clock.move_to(MONDAY + minutes * MINUTE, rate=0)


def reported(minutes: float, text: str = "bell", **inputs) -> None:
    """Now, of something that happened so many minutes after noon."""
    ring_bell.at(MONDAY + minutes * MINUTE)(SYSTEM, uuid4(), text=text, **inputs)


@in_a_transaction
def test_it_acts_on_each_third_of_the_same(noon):
    publish(spec(same=["line"], window={"count": 3, "minutes": 60}))
    for line in ["L1", "L1", "L2", "L1", "L2", "L1"]:
        ring(line)
    assert len(alarms()) == 1
    ring("L2")
    assert len(alarms()) == 2
    ring("L1")
    ring("L1")
    assert len(alarms()) == 3


@in_a_transaction
def test_what_lies_further_back_counts_no_more(noon):
    publish(spec(window={"count": 3, "minutes": 60}))
    for minutes in (0, 30, 61):
        after(minutes)
        ring()
    assert alarms() == []
    after(89)
    ring()
    assert len(alarms()) == 1


@in_a_transaction
def test_what_is_reported_late_counts_where_it_was(noon):
    publish(spec(window={"count": 3, "minutes": 10}))
    after(60)
    for minutes in (0, 30, 8):
        reported(minutes)
    assert alarms() == []
    reported(4)
    assert len(alarms()) == 1


@in_a_transaction
def test_a_window_may_be_days_long_and_nothing_of_it_is_forgotten(noon):
    publish(spec(window={"count": 3, "days": 90}))
    for days in (0, 80):
        after(days * DAY_MINUTES)
        prune_rules.run()
        ring()
    after(90 * DAY_MINUTES)
    ring()
    assert alarms() == []
    after(91 * DAY_MINUTES)
    ring()
    assert len(alarms()) == 1
    after(400 * DAY_MINUTES)
    assert prune_rules.run()
    assert not RuleOccurrence.objects.filter(firing=None).exists()


@in_a_transaction
def test_a_thing_counts_once_and_where_it_belongs_now(noon):
    """Two bells as loud as each other; one that rings too loud is none of them any more."""
    publish(spec(same=["event.loudness"], window={"count": 2, "minutes": 60, "of": "things"}))
    ring("one", loudness=1)
    ring("one", loudness=1)
    assert alarms() == []
    ring("one", loudness=2)
    ring("two", loudness=1)
    assert alarms() == []
    ring("one", loudness=7)
    ring("two", loudness=2)
    assert alarms() == []
    ring("one", loudness=2)
    assert len(alarms()) == 1


@in_a_transaction
def test_a_new_version_goes_on_with_what_the_one_before_has_counted(noon):
    publish(spec(window={"count": 2, "minutes": 60}))
    ring()
    publish(spec(window={"count": 3, "days": 1}))
    ring()
    assert alarms() == []
    ring()
    assert len(alarms()) == 1


@in_a_transaction
def test_one_that_counts_something_else_begins_anew(noon):
    publish(spec(window={"count": 2, "minutes": 60}))
    ring()
    publish(spec(window={"count": 2, "minutes": 60}, same=["line"]))
    ring()
    assert alarms() == []
    ring()
    assert len(alarms()) == 1


@in_a_transaction
def test_the_shift_is_that_of_the_place(noon):
    """Early shift until 14:00 in Berlin, which is 13:00 UTC."""
    site = make_site()
    make_calendar(site)
    publish(spec(window={"count": 3}))
    for minutes in (0, 50, 70, 80):
        after(minutes)
        ring(site_id=site.pk)
    assert alarms() == []
    after(90)
    ring(site_id=site.pk)
    assert len(alarms()) == 1


@in_a_transaction
def test_after_an_act_it_rests_for_what_is_the_same(noon):
    publish(spec(same=["line"], cool_down_minutes=30))
    ring("L1")
    ring("L1")
    ring("L2")
    assert len(alarms()) == 2
    after(31)
    ring("L1")
    assert len(alarms()) == 3


@in_a_transaction
def test_what_was_counted_stays_counted_though_the_act_fails(noon):
    publish(failing("refuse", window={"count": 2, "minutes": 60}))
    for _ in range(3):
        ring()
    assert RuleOccurrence.objects.count() == 3
    assert RuleFailure.objects.count() == 2


@in_a_transaction
def test_rows_that_no_window_sees_any_more_go(noon):
    publish(spec(window={"count": 3, "minutes": 60}))
    ring()
    prune_rules.run()
    assert RuleOccurrence.objects.count() == 1
    after(60 * 24 * 45)
    prune_rules.run()
    assert RuleOccurrence.objects.count() == 0


minutes = st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=12)


@given(offsets=minutes, which=st.integers(min_value=0, max_value=11), count=st.integers(2, 5), span=st.integers(1, 30))
def test_a_window_is_full_when_some_span_around_the_event_holds_as_many(offsets, which, count, span):
    times = sorted(MONDAY + offset * MINUTE for offset in offsets)
    at = times[which % len(times)]
    starts = [t for t in times if t <= at < t + span * MINUTE]
    expected = any(sum(start <= t < start + span * MINUTE for t in times) >= count for start in starts)
    assert is_full(times, at, count, span * MINUTE) == expected


@pytest.mark.django_db(transaction=True)
def test_of_many_who_book_at_once_each_third_is_counted_once():
    """Real connections: twelve bells in four threads make four acts, however they meet."""
    publish(spec(window={"count": 3, "minutes": 60}, per_minute=100))
    ready = threading.Barrier(4)

    def ring_three_times() -> None:
        ready.wait()
        for _ in range(3):
            ring_bell(SYSTEM, uuid4(), text="bell")
        connection.close()

    threads = [threading.Thread(target=ring_three_times) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(RuleFailure.objects.values_list("sentence", flat=True)) == []
    assert RuleOccurrence.objects.count() == 12
    assert RuleFiring.objects.count() == 4
    assert len(alarms()) == 4
