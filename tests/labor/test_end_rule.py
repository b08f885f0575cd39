"""Who goes home without a word is clocked off at the last thing done; who does something stays on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock
from apps.labor.commands import end_by_rule
from apps.labor.models import TimeEntry
from apps.labor.tasks import WORKER, end_silent_entries
from apps.orders.commands import take_edge
from apps.plant.calendar_times import Calendar, Pattern
from apps.plant.end_rule import GRACE, SILENCE_OUTSIDE_SHIFTS, deadline, ends_at
from tests.orders.shop import make_shop
from tests.world import THREE_SHIFTS, ledger, make_calendar, run

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def calendar(*codes: str) -> Calendar:
    return Calendar(
        zone=BERLIN,
        patterns=tuple(
            Pattern(code=code, name=code, weekdays=frozenset(range(1, 8)), starts_at=start, ends_at=end)
            for code, start, end, _breaks in THREE_SHIFTS
            if code in codes
        ),
    )


def local(clock_time: str, day: date = date(2026, 6, 1)) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock_time), BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("shifts", "came", "seen", "until"),
    [
        ("ELN", "06:00", "13:40", "14:30"),  # the usual end
        ("ELN", "06:00", "06:00", "14:30"),  # nothing done since the start
        ("ELN", "06:00", "14:05", "22:30"),  # overtime: on, until the shift that it reaches into is over
        ("ELN", "13:50", "13:50", "22:30"),  # came early for the late shift
        ("ELN", "13:20", "13:20", "14:30"),
        ("E", "06:00", "13:59", "14:30"),
        ("E", "13:45", "13:45", "14:30"),  # no shift follows that one could have come for
        ("E", "06:00", "14:00", "22:00"),  # overtime beyond the last shift: as long as a usual shift
    ],
)
def test_when_silence_ends_the_time(shifts: str, came: str, seen: str, until: str) -> None:
    assert deadline(calendar(*shifts), local(came), local(seen)) == local(until)


def test_the_night_ends_on_the_next_day_also_when_the_clocks_change() -> None:
    autumn = date(2026, 10, 24)
    came = local("22:00", autumn)
    assert deadline(calendar("N"), came, came) == local("06:30", autumn + timedelta(days=1)) == came + 9.5 * HOUR


def test_without_a_calendar_silence_lasts_as_long_as_a_shift() -> None:
    came = local("06:00")
    assert deadline(None, came, came + HOUR) == came + HOUR + SILENCE_OUTSIDE_SHIFTS


@given(st.integers(0, 3 * 24 * 60), st.integers(0, 24 * 60), st.integers(0, 48 * 60), st.sets(st.sampled_from("ELN")))
def test_it_never_ends_before_the_last_thing_done_nor_in_the_future(
    came: int, worked: int, waited: int, codes: set[str]
) -> None:
    minute = timedelta(minutes=1)
    started_at = local("00:00", date(2026, 3, 28)) + came * minute
    seen = started_at + worked * minute
    now = seen + waited * minute
    end = ends_at(calendar(*codes), started_at=started_at, last_evidence_at=seen, now=now)
    assert end in (None, seen)
    assert deadline(calendar(*codes), started_at, seen) >= seen + min(GRACE, SILENCE_OUTSIDE_SHIFTS)
    if waited >= 9.5 * 60:
        assert end == seen


class TestTheWorker:
    @pytest.fixture
    def entry(self, transactional_db: Any) -> TimeEntry:
        clock.move_to(local("13:00"), rate=0)
        shop = make_shop()
        make_calendar(shop.world.site)
        run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
        return TimeEntry.objects.get()

    def test_leaves_who_may_still_be_there(self, entry: TimeEntry) -> None:
        clock.move_to(local("14:29"), rate=0)
        assert end_silent_entries.run() == 0

    def test_ends_the_time_at_the_last_thing_done_and_flags_it(self, entry: TimeEntry) -> None:
        TimeEntry.objects.update(last_evidence_at=local("13:40"))
        clock.move_to(local("14:30"), rate=0)
        assert end_silent_entries.run() == 1
        entry.refresh_from_db()
        assert (entry.ended_at, entry.closed_by, entry.flagged) == (local("13:40"), "rule", True)
        (event,) = ledger("labor.clocked_off")
        assert (event.agent, event.data["closed_by"]) == ("labor", "rule")
        assert end_silent_entries.run() == 0
        assert entry.job_order.is_running, "an operation never ends by rule"

    def test_reads_again_what_it_has_claimed(self, entry: TimeEntry) -> None:
        clock.move_to(local("14:30"), rate=0)
        TimeEntry.objects.update(last_evidence_at=local("14:10"))
        assert not run(end_by_rule, WORKER, entry_id=entry.pk)

    def test_passes_over_what_another_holds(self, entry: TimeEntry) -> None:
        clock.move_to(local("14:30"), rate=0)
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                other.set_autocommit(False)
                cursor.execute("SELECT 1 FROM labor_timeentry FOR UPDATE")
                assert end_silent_entries.run() == 0
                other.rollback()
        finally:
            other.close()
        assert end_silent_entries.run() == 1
