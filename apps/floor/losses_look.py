"""Where the planned time of a line went, as a screen shows it: whole seconds that add up, a word for what is n/a."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate, chain, pairwise

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from apps.core import clock
from apps.equipment.oee import NONE, Elements, Loss, Missing, Ratio
from apps.equipment.timeline import MachineState
from apps.plant.models import ReasonCode, WorkCenter, WorkUnit
from apps.plant.shifts_calendar import Shift, shifts_between
from apps.shifts.oee import UnitOee, oee_of_line

DAY, WEEK = timedelta(days=1), timedelta(days=7)
# How many lines of reasons a wall has room for.
ON_THE_WALL = 3


class Period(models.TextChoices):
    SHIFT = "shift", gettext_lazy("This shift")
    BEFORE = "before", gettext_lazy("Shift before")
    DAY = "day", gettext_lazy("24 hours")
    WEEK = "week", gettext_lazy("7 days")


class Tone(StrEnum):
    GOOD = "run"
    LOST = "stop"
    SLOW = "warn"
    SPOILT = "hold"
    PREPARED = "act"
    WAITED = "wait"
    UNKNOWN = "none"


_PARTS: Mapping[str, tuple[StrOrPromise, Tone]] = {
    "good": (gettext_lazy("Good pieces"), Tone.GOOD),
    "production": (gettext_lazy("Production"), Tone.GOOD),
    "speed_loss": (gettext_lazy("Speed, micro-stops"), Tone.SLOW),
    "quality_loss": (gettext_lazy("Scrap, rework"), Tone.SPOILT),
    "set_up": (gettext_lazy("Set-up"), Tone.PREPARED),
    "delay": (gettext_lazy("Waiting"), Tone.WAITED),
    "down": (gettext_lazy("Down"), Tone.LOST),
    "idle": (gettext_lazy("Idle"), Tone.WAITED),
    "unexplained": (gettext_lazy("No data"), Tone.UNKNOWN),
}  # fmt: skip
_WHY_NOT = {
    Missing.NO_PLAN: gettext_lazy("No time is planned."),
    Missing.NO_PRODUCTION_TIME: gettext_lazy("It has not produced."),
    Missing.NOTHING_MADE: gettext_lazy("Nothing was made."),
    Missing.NO_STANDARD_TIME: gettext_lazy("No standard time: name an expected cycle or a routing."),
    Missing.NO_FAILURE: gettext_lazy("It has not failed."),
    Missing.NO_STOP: gettext_lazy("It has not stopped."),
}


@dataclass(frozen=True)
class Figure:
    """`text` in percent, or n/a and `why_not`; `is_doubtful`: more than the whole, so a standard time is wrong."""

    text: str
    why_not: str = ""
    is_doubtful: bool = False


@dataclass(frozen=True)
class Part:
    """`seconds` below zero: faster than the standard time says."""

    label: str
    tone: Tone
    seconds: int


@dataclass(frozen=True)
class Row:
    """`unit` None: the whole line."""

    unit: WorkUnit | None
    elements: Elements

    @property
    def figures(self) -> list[Figure]:
        """OEE, availability, effectiveness, quality."""
        whole = self.elements
        return [_figure(each) for each in (whole.oee, whole.availability, whole.effectiveness, whole.quality_factor)]

    @property
    def planned(self) -> int:
        return round(self.elements.planned)

    @property
    def coverage(self) -> Figure:
        return _figure(self.elements.coverage)

    @property
    def parts(self) -> list[Part]:
        """Adds up to `planned`; without what is nought."""
        losses = self.elements.losses
        whole = _whole_seconds(losses.values())
        shown = zip(losses, whole, strict=True)
        return [Part(str(_PARTS[code][0]), _PARTS[code][1], seconds) for code, seconds in shown if seconds]


@dataclass(frozen=True)
class Why:
    """One line of the Pareto. `share` of the longest, in percent; `units`: where, the worst first."""

    label: str
    is_known: bool
    seconds: int
    count: int
    share: int
    units: list[str]


@dataclass(frozen=True)
class Lost:
    """What the station that sets the pace of a line has lost so far, the most first; `why` as much as a wall shows."""

    unit: WorkUnit
    seconds: int
    why: list[Why]


@dataclass(frozen=True)
class Losses:
    """`shift` None: more than one, or none."""

    line: WorkCenter
    period: Period
    start: datetime
    end: datetime
    shift: Shift | None
    total: Row
    rows: list[Row]
    why: list[Why]


def lost_at(line: WorkCenter) -> Lost | None:
    """In the shift that runs, at the station that counts, else where most is known to be lost; None: nothing is."""
    start, end, shift = _span(line, Period.SHIFT)
    if shift is None or not shift.start <= clock.now() < shift.end:
        return None
    found = [each for each in oee_of_line(line, start, end) if each.elements.unexplained < each.elements.planned]
    if not found:
        return None
    one = next((each for each in found if each.unit.pk == line.counting_unit_id), max(found, key=_lost_seconds))
    parts = [_of_part(code, seconds) for code, seconds in one.elements.losses.items() if code not in _NOT_AS_SUCH]
    known = sorted([*_why([one]), *parts], key=lambda why: -why.seconds)
    shown = [
        why for why in (*known[:ON_THE_WALL], _of_part("unexplained", one.elements.unexplained)) if why.seconds > 0
    ]
    longest = max((why.seconds for why in shown), default=1)
    return Lost(
        one.unit, round(_lost_seconds(one)), [replace(why, share=round(100 * why.seconds / longest)) for why in shown]
    )


# Downtime stands by its reasons; of what nobody knows nobody can say that it is lost.
_NOT_AS_SUCH = ("good", "production", "down", "unexplained")


def _of_part(code: str, seconds: Fraction) -> Why:
    return Why(str(_PARTS[code][0]), code != "unexplained", round(seconds), 0, 0, [])


def _lost_seconds(one: UnitOee) -> Fraction:
    whole = one.elements
    used = whole.production if whole.speed_loss is None else whole.earned_good
    return whole.planned - whole.unexplained - used


def losses_of(line: WorkCenter, period: Period) -> Losses:
    start, end, shift = _span(line, period)
    found = oee_of_line(line, start, end)
    total = sum((each.elements for each in found), Elements())
    return Losses(
        line=line,
        period=period,
        start=start,
        end=end,
        shift=shift,
        total=Row(None, total),
        rows=[Row(each.unit, each.elements) for each in found],
        why=_why(found),
    )


def _span(line: WorkCenter, period: Period) -> tuple[datetime, datetime, Shift | None]:
    """Between shifts "this shift" is the one that ended last; where none was planned, the last day."""
    now = clock.now()
    if period == Period.WEEK:
        return now - WEEK, now, None
    begun = [shift for shift in shifts_between(line, now - WEEK, now) if shift.start <= now]
    back = {Period.SHIFT: 1, Period.BEFORE: 2}.get(period, len(begun) + 1)
    if back > len(begun):
        return now - DAY, now, None
    shift = begun[-back]
    return shift.start, shift.end, shift


def _why(found: Iterable[UnitOee]) -> list[Why]:
    of_reason = defaultdict[tuple[int | None, str], list[tuple[Loss, WorkUnit]]](list)
    for each in found:
        for loss in each.losses:
            of_reason[loss.reason_id, loss.state].append((loss, each.unit))
    reasons = ReasonCode.objects.in_bulk({reason_id for reason_id, _state in of_reason if reason_id})
    sums = {key: sum((loss.seconds for loss, _unit in cases), NONE) for key, cases in of_reason.items()}
    order = sorted(sums, key=lambda key: -sums[key])
    longest = sums[order[0]] if order else NONE
    return [
        Why(
            label=_label(reasons.get(key[0] or 0), key[1]),
            is_known=key[0] is not None or bool(key[1]),
            seconds=seconds,
            count=sum(loss.count for loss, _unit in of_reason[key]),
            share=round(100 * sums[key] / longest),
            units=[unit.code for _loss, unit in sorted(of_reason[key], key=lambda case: -case[0].seconds)],
        )
        for key, seconds in zip(order, _whole_seconds(sums[key] for key in order), strict=True)
    ]


def _label(reason: ReasonCode | None, state: str) -> str:
    if reason is not None:
        return reason.label()
    return str(MachineState(state).label) if state else _("Nobody has said why")


def _whole_seconds(parts: Iterable[Fraction]) -> list[int]:
    """Rounded so that they still add up."""
    reached = (round(sum_) for sum_ in chain([NONE], accumulate(parts)))
    return [after - before for before, after in pairwise(reached)]


def _figure(ratio: Ratio) -> Figure:
    if ratio.value is None:
        return Figure(_("n/a"), str(_WHY_NOT[ratio.missing]) if ratio.missing else "")
    return Figure(f"{round(100 * ratio.value)} %", is_doubtful=ratio.is_above_one)
