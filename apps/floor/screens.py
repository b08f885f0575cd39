"""What each screen shows, gathered for its template: plain values and rows, no decision left to the template."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from apps.andon.queries import unanswered_at
from apps.core import clock
from apps.core.one_look import one_look
from apps.core.prepared import Given, Prepared
from apps.floor.alerts import Alerts, alerts_at_station
from apps.floor.machine_look import Stop, stop_at
from apps.floor.pace_look import PaceLook
from apps.labor.models import TimeEntry
from apps.labor.queries import on_job
from apps.orders.models import Blocker, DispatchStatus, JobOrder
from apps.orders.queries import (
    Queue,
    WorkNow,
    by_station,
    queue_of_line,
    queue_of_station,
    queues_of_stations,
    work_now,
)
from apps.plant.models import WorkCenter, WorkUnit
from apps.plant.shifts_calendar import Shift
from apps.shifts.queries import pace
from apps.workflows.life.seen import buttons_mark

# Each status is shown as a tone (colour), a glyph (outline) and its word; see static/floor/mfgos.css.
TONES: dict[str, tuple[str, str]] = {
    DispatchStatus.RUNNING: ("run", "run"),
    DispatchStatus.SUSPENDED: ("wait", "pause"),
    DispatchStatus.HELD: ("hold", "hold"),
    DispatchStatus.READY: ("act", "arrow"),
    DispatchStatus.DISPATCHED: ("act", "arrow"),
    DispatchStatus.COMPLETED: ("run", "done"),
}
RESTING = ("wait", "wait")

# How many jobs the "next" lists hold: what fits without scrolling.
NEXT_AT_STATION, NEXT_AT_LINE = 3, 4


@dataclass(frozen=True)
class Look:
    """One operation as a screen shows it. `done` is the share of good pieces, 0 to 1."""

    job: JobOrder
    tone: str
    glyph: str

    @property
    def blockers(self) -> list[Blocker]:
        """The open ones, what stops most first."""
        return self.job.open_blockers

    @property
    def done(self) -> float:
        return min(1.0, float(self.job.good_quantity / self.job.quantity))


def look(job: JobOrder) -> Look:
    tone, glyph = TONES.get(job.status, RESTING)
    return Look(job, tone, glyph)


@dataclass(frozen=True)
class Station:
    """`work`: the steps of the current operation; None without one. `crew`: who works on it now.

    buttons  the mark of those of the current operation, see `buttons_at`
    """

    unit: WorkUnit
    current: Look | None
    buttons: str
    work: WorkNow | None
    crew: list[TimeEntry]
    next: list[Look]
    waiting: list[Look]
    alerts: Alerts
    stop: Stop | None
    now: datetime


def station(unit: WorkUnit) -> Station:
    queue, now = queue_of_station(unit), clock.now()
    current = queue.in_hand
    following = [job for job in (*queue.begun, *queue.ready) if job is not current]
    return Station(
        unit=unit,
        current=look(current) if current else None,
        buttons=_mark(current),
        work=work_now(current) if current else None,
        crew=on_job(current.pk) if current and current.is_running else [],
        next=[look(job) for job in following[:NEXT_AT_STATION]],
        waiting=[look(job) for job in queue.waiting[: max(0, NEXT_AT_STATION - len(following))]],
        alerts=alerts_at_station(unit),
        stop=stop_at(unit, now),
        now=now,
    )


def buttons_at(unit: WorkUnit) -> str:
    """What the buttons of the operation in hand hang on besides itself; the station and its terminal read it."""
    return _mark(queue_of_station(unit).in_hand)


def buttons_at_all(units: Collection[WorkUnit]) -> dict[int, str]:
    """By the id of the work unit: of many as `buttons_at` of one, with what they have in common read once."""
    queues = queues_of_stations(units)
    with one_look():
        return {unit_id: _mark(queue.in_hand) for unit_id, queue in queues.items()}


def _mark(job: JobOrder | None) -> str:
    return buttons_mark(job) if job else ""


@dataclass(frozen=True)
class UnitColumn:
    """`is_loud`: something of this station waits for an answer."""

    unit: WorkUnit
    look: Look | None
    is_loud: bool


@dataclass(frozen=True)
class Board:
    """`pace` None: no shift runs now. `is_loud`: something of the line waits for an answer."""

    line: WorkCenter
    pace: PaceLook | None
    columns: list[UnitColumn]
    is_loud: bool
    next: list[Look]
    now: datetime

    @property
    def shift(self) -> Shift | None:
        return self.pace.shift if self.pace else None


def board(line: WorkCenter) -> Board:
    queue = queue_of_line(line.pk)
    now = clock.now()
    found, loud = pace(line, now), unanswered_at(line.pk)
    return Board(
        line=line,
        pace=PaceLook(found) if found else None,
        columns=_columns(line, queue, loud),
        is_loud=bool(loud),
        next=[look(job) for job in (*queue.ready, *queue.waiting)[:NEXT_AT_LINE]],
        now=now,
    )


def _columns(line: WorkCenter, queue: Queue, loud: Collection[int | None]) -> list[UnitColumn]:
    jobs = by_station(queue)
    return [
        UnitColumn(unit, look(jobs[unit.pk]) if unit.pk in jobs else None, unit.pk in loud)
        for unit in _UNITS(work_center=line.pk)
    ]


_UNITS = Prepared(lambda: WorkUnit.objects.filter(work_center=Given("work_center")).order_by("position"))
