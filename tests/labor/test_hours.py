"""Time is cut at the boundaries of shifts for reporting, and nothing is lost by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock
from apps.labor.cutting import cut
from apps.labor.queries import hours_by_shift
from apps.orders.commands import take_edge
from apps.plant.calendar_times import Calendar, Pattern, shifts_between
from apps.plant.models import Purpose
from tests.orders.shop import make_shop, reason
from tests.world import THREE_SHIFTS, make_calendar, run

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN).astimezone(UTC)


@given(
    st.integers(0, 4 * 24 * 60),
    st.integers(0, 3 * 24 * 60),
    st.sets(st.sampled_from("ELN")),
    st.sampled_from([local(2026, 3, 27), local(2026, 10, 23), local(2026, 6, 1)]),
)
def test_the_parts_sum_to_the_whole(after: int, minutes: int, codes: set[str], day: datetime) -> None:
    patterns = tuple(
        Pattern(code=code, name=code, weekdays=frozenset({1, 2, 5, 6, 7}), starts_at=starts, ends_at=ends)
        for code, starts, ends, _ in THREE_SHIFTS
        if code in codes
    )
    start = day + after * MINUTE
    end = start + minutes * MINUTE
    shifts = shifts_between(Calendar(zone=BERLIN, patterns=patterns), day, day + timedelta(days=9))
    parts = cut(start, end, shifts)
    assert sum((ends - begins for _, begins, ends in parts), timedelta(0)) == end - start
    assert all(one[2] == two[1] for one, two in pairwise(parts))
    for shift, begins, ends in parts:
        assert begins < ends
        if shift:
            assert shift.start <= begins < ends <= shift.end
        else:
            assert not any(s.start < ends and s.end > begins for s in shifts)


@pytest.mark.django_db
def test_a_night_over_midnight_and_the_change_of_clocks_by_hand() -> None:
    """On at 20:00, set up until 21:00, run until 07:00: the night has nine hours when the clocks go back."""
    clock.move_to(local(2026, 10, 24, 20), rate=0)
    shop = make_shop()
    make_calendar(shop.world.site)

    def step(edge: str, **inputs: str) -> None:
        run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge=edge, inputs=inputs)

    step("set_up")
    clock.move_to(local(2026, 10, 24, 21), rate=0)
    step("start")
    clock.move_to(local(2026, 10, 25, 7), rate=0)
    step("pause", reason=reason(Purpose.PAUSE))
    start, end = local(2026, 10, 24, 14), local(2026, 10, 25, 14)
    late, night, early, outside = hours_by_shift(work_center_id=shop.world.line.pk, start=start, end=end)
    assert [h.shift_code for h in (late, night, early)] == ["L", "N", "E"]
    for kind, more in (("labor", {"stop": 0 * HOUR}), ("job", {})):
        assert getattr(late, kind) == {"set_up": HOUR, "run": HOUR, **more}
        assert getattr(night, kind) == {"set_up": 0 * HOUR, "run": 9 * HOUR, **more}
        assert getattr(early, kind) == {"set_up": 0 * HOUR, "run": HOUR, **more}
        assert getattr(outside, kind) == {"set_up": 0 * HOUR, "run": 0 * HOUR, **more}


@pytest.mark.django_db
def test_what_goes_on_counts_up_to_now_and_only_within_what_was_asked() -> None:
    clock.move_to(local(2026, 6, 1, 7), rate=0)
    shop = make_shop()
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    clock.move_to(local(2026, 6, 1, 10), rate=0)
    start, end = local(2026, 6, 1, 8), local(2026, 6, 1, 14)
    (outside,) = hours_by_shift(work_center_id=shop.world.line.pk, start=start, end=end)
    assert outside.labor["run"] == outside.job["run"] == 2 * HOUR
