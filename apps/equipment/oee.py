"""OEE of a work unit by ISO 22400, and the losses that make up its planned time to the second: pure and exact.

    PBT = good time + speed loss + quality loss + set-up + delay + down + idle + unexplained

Elements are added up over units and periods, and divided once. What can't be said is None with a reason, never 0 or 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from apps.equipment.timeline import DOWN, MachineState, Span, Stop, stops

Interval = tuple[datetime, datetime]
NONE = Fraction(0)
_MICROSECOND = timedelta(microseconds=1)


class Missing(StrEnum):
    """Why a figure can't be said."""

    NO_PLAN = "no_plan"
    NO_PRODUCTION_TIME = "no_production_time"
    NOTHING_MADE = "nothing_made"
    NO_STANDARD_TIME = "no_standard_time"
    NO_FAILURE = "no_failure"
    NO_STOP = "no_stop"


@dataclass(frozen=True)
class Ratio:
    """`value` None: `missing` says why. More than 1 is shown as it is: an effectiveness says so of a wrong standard."""

    value: Fraction | None
    missing: Missing | None = None

    @property
    def is_above_one(self) -> bool:
        return self.value is not None and self.value > 1


@dataclass(frozen=True, kw_only=True)
class Made:
    """Of one item within the period, in its unit; what a reversal takes back is below zero.

    run_seconds  planned run time of one (PRI); None: nobody has said
    """

    good: Decimal
    scrap: Decimal = Decimal(0)
    rework: Decimal = Decimal(0)
    run_seconds: Fraction | None = None

    @property
    def produced(self) -> Decimal:
        return self.good + self.scrap + self.rework


@dataclass(frozen=True, kw_only=True)
class Elements:
    """Seconds, and quantities. Of several units or periods: their sum.

    planned  PBT    production  APT, with micro-stops    set_up  AUST    delay  ADET
    outside  production outside planned time: beside the identity, never in a ratio
    earned_good, earned  PRI x good, PRI x produced; counted only where `has_standard`
    """

    planned: Fraction = NONE
    production: Fraction = NONE
    set_up: Fraction = NONE
    delay: Fraction = NONE
    down: Fraction = NONE
    idle: Fraction = NONE
    unexplained: Fraction = NONE
    outside: Fraction = NONE
    earned_good: Fraction = NONE
    earned: Fraction = NONE
    good: Decimal = Decimal(0)
    produced: Decimal = Decimal(0)
    failures: int = 0
    has_standard: bool = True

    def __add__(self, other: Elements) -> Elements:
        sums = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(Elements)
            if each.name != "has_standard"
        }
        return Elements(**sums, has_standard=self.has_standard and other.has_standard)

    # ---- losses

    @property
    def speed_loss(self) -> Fraction | None:
        """Below zero: the standard time is too long."""
        return self.production - self.earned if self.has_standard else None

    @property
    def quality_loss(self) -> Fraction | None:
        return self.earned - self.earned_good if self.has_standard else None

    @property
    def losses(self) -> dict[str, Fraction]:
        """Adds up to `planned`, exactly; without a standard time production is one line."""
        parts = {
            "set_up": self.set_up,
            "delay": self.delay,
            "down": self.down,
            "idle": self.idle,
            "unexplained": self.unexplained,
        }
        if self.speed_loss is None or self.quality_loss is None:
            return {"production": self.production, **parts}
        return {
            "good": self.earned_good,
            "speed_loss": self.speed_loss,
            "quality_loss": self.quality_loss,
            **parts,
        }

    # ---- ratios

    @property
    def availability(self) -> Ratio:
        return _ratio(self.production, self.planned, Missing.NO_PLAN)

    @property
    def effectiveness(self) -> Ratio:
        if not self.has_standard:
            return Ratio(None, Missing.NO_STANDARD_TIME)
        return _ratio(self.earned, self.production, Missing.NO_PRODUCTION_TIME)

    @property
    def quality_ratio(self) -> Ratio:
        """By pieces, for display; of one unit of measure."""
        return _ratio(Fraction(self.good), Fraction(self.produced), Missing.NOTHING_MADE)

    @property
    def quality_factor(self) -> Ratio:
        """By earned time, so that the product is the OEE for mixed items too."""
        if not self.has_standard:
            return Ratio(None, Missing.NO_STANDARD_TIME)
        return _ratio(self.earned_good, self.earned, Missing.NOTHING_MADE)

    @property
    def oee(self) -> Ratio:
        if not self.has_standard:
            return Ratio(None, Missing.NO_STANDARD_TIME)
        return _ratio(self.earned_good, self.planned, Missing.NO_PLAN)

    @property
    def coverage(self) -> Ratio:
        """How much of the planned time anything is known of."""
        return _ratio(self.planned - self.unexplained, self.planned, Missing.NO_PLAN)

    @property
    def seconds_between_failures(self) -> Ratio:
        return _ratio(self.production, Fraction(self.failures), Missing.NO_FAILURE)


def _ratio(part: Fraction, whole: Fraction, missing: Missing) -> Ratio:
    return Ratio(part / whole) if whole else Ratio(None, missing)


def elements(
    planned: Iterable[Interval],
    spans: Sequence[Span],
    made: Iterable[Made],
    *,
    micro_stop: timedelta,
    until: datetime,
    not_planned: Collection[Interval] = (),
    within: Interval | None = None,
) -> Elements:
    """
    planned      when the unit was to work: shifts without breaks, none meeting another
    spans        what it did, in order; those before and after tell how long a stop was that reaches over the edge
    until        the end of what is known: a span that goes on is taken up to there
    within       the period: what was done before and after it is no work outside planned time; None: all of the spans
    not_planned  planned cleaning and maintenance: taken out of the planned time where it was done
    """
    whole = _spread(spans, until)
    time = _without(sorted(planned), _planned_care(whole, not_planned))
    total, sums, outside = _seconds(time), defaultdict[str, Fraction](Fraction), NONE
    short = _short_stops(whole, micro_stop, until)
    period = [within] if within else [(span.start, _end(span)) for span in whole]
    for span in whole:
        element, inside = _element(span, short), _seconds(_shared([(span.start, _end(span))], time))
        sums[element] += inside
        if element == "production":
            outside += _seconds(_shared([(span.start, _end(span))], period)) - inside
    known = {name: sums[name] for name in _KNOWN}
    failures = sum(stop not in short and any(start <= stop.start < end for start, end in time) for stop in stops(whole))
    return _earned(made) + Elements(
        planned=total,
        production=known["production"],
        set_up=known["set_up"],
        delay=known["delay"],
        down=known["down"],
        idle=known["idle"],
        unexplained=total - sum(known.values(), NONE),
        outside=outside,
        failures=failures,
    )


def _planned_care(spans: Iterable[Span], not_planned: Collection[Interval]) -> list[Interval]:
    """Cleaning and maintenance that were done when they were planned."""
    care = [span for span in spans if span.state in (MachineState.CLEANING, MachineState.MAINTENANCE)]
    return sorted(cut for span in care for cut in _shared([(span.start, _end(span))], not_planned))


def _short_stops(spans: Sequence[Span], micro_stop: timedelta, until: datetime) -> list[Stop]:
    return [stop for stop in stops(spans) if not stop.is_long(micro_stop, until)]


_KNOWN = ("production", "set_up", "delay", "down", "idle")
_ELEMENTS = {
    MachineState.PRODUCING.value: "production",
    MachineState.SET_UP.value: "set_up",
    MachineState.WAITING.value: "delay",
    MachineState.IDLE.value: "idle",
    MachineState.NO_DATA.value: "unexplained",
}


def _element(span: Span, short: Iterable[Stop]) -> str:
    """A micro-stop is production; cleaning and maintenance that nobody planned are downtime."""
    if span.state in DOWN and any(
        stop.start <= span.start and (not stop.end or span.start < stop.end) for stop in short
    ):
        return "production"
    return _ELEMENTS.get(span.state, "down")


def _earned(made: Iterable[Made]) -> Elements:
    rows = list(made)
    if any(row.run_seconds is None and (row.produced or row.good) for row in rows):
        return Elements(
            good=sum((row.good for row in rows), Decimal(0)),
            produced=sum((row.produced for row in rows), Decimal(0)),
            has_standard=False,
        )
    return Elements(
        earned_good=sum(((row.run_seconds or NONE) * Fraction(row.good) for row in rows), NONE),
        earned=sum(((row.run_seconds or NONE) * Fraction(row.produced) for row in rows), NONE),
        good=sum((row.good for row in rows), Decimal(0)),
        produced=sum((row.produced for row in rows), Decimal(0)),
    )


# ---- why it stood


@dataclass(frozen=True)
class Explained:
    """A stretch of a downtime with its reason; None: nobody has said."""

    start: datetime
    end: datetime | None
    reason_id: int | None


@dataclass(frozen=True)
class Loss:
    """Downtime of one reason within planned time; of what was no stop, say cleaning, `state` says what it was."""

    reason_id: int | None
    state: str
    seconds: Fraction
    count: int


def pareto(
    planned: Sequence[Interval],
    spans: Sequence[Span],
    parts: Sequence[Explained],
    *,
    micro_stop: timedelta,
    until: datetime,
) -> list[Loss]:
    """Down time by reason, the longest first; adds up to the `down` of `elements` for the same planned time."""
    whole = _spread(spans, until)
    short = _short_stops(whole, micro_stop, until)
    sums: defaultdict[tuple[int | None, str], list[Fraction]] = defaultdict(list)
    for span in whole:
        if _element(span, short) != "down":
            continue
        left = _shared([(span.start, _end(span))], planned)
        state = "" if span.state in DOWN else span.state
        for part in parts if not state else ():
            cut = _shared(left, [(part.start, part.end or until)])
            if seconds := _seconds(cut):
                sums[part.reason_id, state].append(seconds)
                left = _without(left, cut)
        if rest := _seconds(left):
            sums[None, state].append(rest)
    losses = [Loss(reason, state, sum(each, NONE), len(each)) for (reason, state), each in sums.items()]
    return sorted(losses, key=lambda loss: (-loss.seconds, loss.reason_id or 0, loss.state))


def unclassified_share(losses: Iterable[Loss]) -> Ratio:
    """Of stop time that nobody has explained."""
    stood = [loss for loss in losses if not loss.state]
    unsaid = sum((loss.seconds for loss in stood if loss.reason_id is None), NONE)
    return _ratio(unsaid, sum((loss.seconds for loss in stood), NONE), Missing.NO_STOP)


# ---- intervals


def _spread(spans: Sequence[Span], until: datetime) -> list[Span]:
    """With an end each, none after `until`."""
    return [
        Span(span.state, span.start, min(span.end or until, until), span.word_of)
        for span in spans
        if span.start < until
    ]


def _end(span: Span) -> datetime:
    assert span.end is not None, "it has been given one"
    return span.end


def _length(interval: Interval) -> Fraction:
    return Fraction((interval[1] - interval[0]) // _MICROSECOND, 1_000_000)


def _seconds(intervals: Iterable[Interval]) -> Fraction:
    return sum((_length(interval) for interval in intervals), NONE)


def _shared(some: Iterable[Interval], others: Collection[Interval]) -> list[Interval]:
    """Time that is in both; none of either list meets another of its own."""
    return [
        (max(start, begins), min(end, ends))
        for start, end in some
        for begins, ends in others
        if max(start, begins) < min(end, ends)
    ]


def _without(some: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    left: list[Interval] = []
    for start, end in some:
        reached = start
        for begins, ends in sorted(holes):
            if ends <= reached or begins >= end:
                continue
            if begins > reached:
                left.append((reached, begins))
            reached = max(reached, ends)
        if reached < end:
            left.append((reached, end))
    return left
