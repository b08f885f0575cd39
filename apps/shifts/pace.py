"""Are we on pace: what is made, what should be by now, and where it is heading; pure, from counts and a shift.

Net time is the time of the shift without its breaks. What can't be said is None, shown as "n/a", never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.plant.calendar_times import Interval, Shift, net_seconds

# The rate is that of the last so many net seconds of the shift, and says nothing in its first quarter of an hour.
RATE_WINDOW = Decimal(2 * 3600)
RATE_NEEDS = Decimal(15 * 60)
HOUR = Decimal(3600)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Quantities in the units of the line's orders.

    made              good so far              should_be_by_now  the target's share of the net time so far
    heading_for       made, and the rate for the rest of the net time
    rate_per_hour     good per net hour, of late
    """

    shift: Shift
    made: Decimal
    target: Decimal | None
    should_be_by_now: Decimal | None
    heading_for: Decimal | None
    rate_per_hour: Decimal | None
    remaining_net_seconds: Decimal

    @property
    def behind_now(self) -> Decimal | None:
        """How many are missing by now; below zero: ahead."""
        return None if self.should_be_by_now is None else self.should_be_by_now - self.made

    @property
    def short_at_end(self) -> Decimal | None:
        """How many will be missing at the end of the shift; below zero: more than the target."""
        return None if self.target is None or self.heading_for is None else self.target - self.heading_for


def reckon(shift: Shift, now: datetime, made: Decimal, lately: Decimal, target: Decimal | None) -> Pace:
    """made    good at the counting point from the start of the shift until `now`; what was undone is not in it
    lately  the same from `lately_from` until `now`
    """
    so_far = net_seconds(shift, shift.start, now)
    whole = net_seconds(shift, shift.start, shift.end)
    rate = lately * HOUR / min(so_far, RATE_WINDOW) if so_far >= RATE_NEEDS else None
    return Pace(
        shift=shift,
        made=made,
        target=target,
        should_be_by_now=target * so_far / whole if target is not None and whole else None,
        heading_for=None if rate is None else made + rate * (whole - so_far) / HOUR,
        rate_per_hour=rate,
        remaining_net_seconds=whole - so_far,
    )


def lately_from(shift: Shift, now: datetime) -> datetime:
    """The latest instant from which RATE_WINDOW passes until `now`, net; before that, where work began."""
    left, began = timedelta(microseconds=int(RATE_WINDOW.scaleb(6))), shift.start
    for start, end in reversed(_working(shift, now)):
        if end - start >= left:
            return end - left
        left, began = left - (end - start), start
    return began


def _working(shift: Shift, now: datetime) -> list[Interval]:
    """The shift until `now` without its breaks, in order."""
    until = min(now, shift.end)
    starts = [shift.start, *(end for _, end in shift.breaks)]
    ends = [*(start for start, _ in shift.breaks), shift.end]
    return [(start, min(end, until)) for start, end in zip(starts, ends, strict=True) if start < min(end, until)]
