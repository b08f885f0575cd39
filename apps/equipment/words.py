"""Takes what was said of machines, and keeps the intervals right, whatever order it came in.

Live, words come in order: then the interval that goes on is all that has to be known. A word about the past has the
intervals from there on worked out anew, from the words and signals that are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import connection

from apps.core.commands import Context
from apps.equipment.events import MachineStateChanged
from apps.equipment.models import HeardMinute, Machine, MachineNow, StateInterval, StateWord
from apps.equipment.timeline import (
    DOWN,
    Heard,
    MachineState,
    Span,
    Word,
    WordOf,
    clipped,
    silent_at,
    spans,
    stops,
)
from apps.plant.models import WorkUnit

FOLLOW_TOPIC = "equipment:follow"
MINUTE = timedelta(minutes=1)


@dataclass
class Told:
    """What is new about one machine: words, and when its signals came, by the minute."""

    words: list[Word] = field(default_factory=list)
    heard: dict[datetime, Heard] = field(default_factory=dict)

    def hear(self, at: datetime) -> None:
        minute = at.replace(second=0, microsecond=0)
        known = self.heard.get(minute)
        self.heard[minute] = Heard(min(known.first, at), max(known.last, at)) if known else Heard(at, at)


def take_words(context: Context, told: Mapping[int, Told]) -> dict[int, MachineNow]:
    """Keeps the words and brings the intervals up to them; by work unit, locked. KeyError: no such unit."""
    rows = locked_rows(told)
    machines = settings_of(rows)
    _keep(rows, told)
    written = _Written()
    for unit_id, row in rows.items():
        _take(context, row, machines[unit_id], told[unit_id], written)
    written.write(context)
    return rows


def rewrite(context: Context, row: MachineNow, machine: Machine, start: datetime) -> None:
    """The intervals from `start` on, worked out anew from all that is kept; the row is locked."""
    written = _Written()
    _work_out_anew(context, row, machine, start, written)
    written.write(context)


def locked_rows(unit_ids: Collection[int]) -> dict[int, MachineNow]:
    """In the order of their numbers, so that two who take several never wait for each other."""
    ids = sorted(unit_ids)
    rows = _locked(ids)
    if len(rows) < len(ids):
        missing = WorkUnit.objects.filter(pk__in=set(ids) - set(rows))
        MachineNow.objects.bulk_create(
            [MachineNow(work_unit_id=unit.pk, site_id=unit.site_id) for unit in missing], ignore_conflicts=True
        )
        rows = _locked(ids)
    return rows


def _locked(ids: list[int]) -> dict[int, MachineNow]:
    rows = MachineNow.objects.select_for_update(of=("self",)).select_related("work_unit")
    return {row.pk: row for row in rows.filter(pk__in=ids).order_by("pk")}


def settings_of(rows: Mapping[int, MachineNow]) -> dict[int, Machine]:
    known = {machine.work_unit_id: machine for machine in Machine.objects.filter(work_unit__in=rows)}
    return {pk: known.get(pk) or Machine(work_unit=row.work_unit, site_id=row.site_id) for pk, row in rows.items()}


def machine_of(unit: WorkUnit) -> Machine:
    return Machine.objects.filter(work_unit=unit).first() or Machine(work_unit=unit, site_id=unit.site_id)


def _keep(rows: Mapping[int, MachineNow], told: Mapping[int, Told]) -> None:
    words = {
        (pk, *word): StateWord(
            work_unit_id=pk, site_id=rows[pk].site_id, at=word.at, state=word.state, word_of=word.word_of
        )
        for pk, news in told.items()
        for word in news.words
    }
    StateWord.objects.bulk_create(words.values(), ignore_conflicts=True)
    minutes = [
        (pk, rows[pk].site_id, minute, heard.first, heard.last)
        for pk, news in sorted(told.items())
        for minute, heard in sorted(news.heard.items())
    ]
    if minutes:
        with connection.cursor() as cursor:
            cursor.execute(_HEARD, [list(column) for column in zip(*minutes, strict=True)])


_HEARD = """
INSERT INTO equipment_heardminute (work_unit_id, site_id, minute, first_at, last_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (work_unit_id, minute) DO UPDATE
   SET first_at = least(equipment_heardminute.first_at, excluded.first_at),
       last_at = greatest(equipment_heardminute.last_at, excluded.last_at)
"""


def _take(context: Context, row: MachineNow, machine: Machine, news: Told, written: _Written) -> None:
    heard = sorted(news.heard.values())
    if row.last_word_at is None and not news.words:
        # Counts of a machine whose state nobody tells.
        _remember(row, news)
        written.rows.append(row)
        return
    if not _is_live(row, news, heard):
        _remember(row, news)
        start = min([word.at for word in news.words] + [each.first for each in heard])
        _work_out_anew(context, row, machine, start, written)
        return
    assert row.since is not None, "a state that is known has a start"
    known = [Heard(row.since, row.heard_until)] if row.heard_until and row.heard_until >= row.since else []
    current = Word(row.since, row.state, row.word_of)
    found = spans([current, *news.words], [*known, *heard], silence=machine.silence, now=context.now)
    _remember(row, news)
    if len(found) > 1:
        written.closed.append((row.pk, row.since, found[0].end))
        written.opened += [_interval(row, span) for span in found[1:]]
    _watch_stops(context, row, machine, found)
    written.show(row, found[-1], machine)


def _is_live(row: MachineNow, news: Told, heard: Sequence[Heard]) -> bool:
    """Whether all of it is later than what the interval that goes on was made from."""
    if row.since is None or row.last_word_at is None or row.state == MachineState.NO_DATA:
        return False
    by_signal = row.word_of == WordOf.SIGNAL
    # While a signal's word holds, signals have come all along; while a person's holds, nobody has looked.
    latest = row.since if by_signal else max(row.since, row.heard_until or row.since)
    return all(word.at > row.last_word_at for word in news.words) and all(each.first >= latest for each in heard)


def _remember(row: MachineNow, news: Told) -> None:
    times = [word.at for word in news.words]
    row.last_word_at = max([*times, *([row.last_word_at] if row.last_word_at else [])], default=None)
    ends = [each.last for each in news.heard.values()]
    row.heard_until = max([*ends, *([row.heard_until] if row.heard_until else [])], default=None)


def _watch_stops(context: Context, row: MachineNow, machine: Machine, found: Sequence[Span]) -> None:
    """Notes which stop goes on, and whether one has become a downtime, or is no longer one."""
    begun = row.stop_since
    is_downtime = begun is not None and row.stop_due_at is None
    whole = stops([replace(found[0], start=begun), *found[1:]] if begun and found[0].state in DOWN else found)
    going = whole[-1] if whole and whole[-1].end is None else None
    row.stop_since = going.start if going else None
    if is_downtime and going and going.start == begun:
        whole = whole[:-1]
    elif going:
        row.stop_due_at = going.start + machine.micro_stop
    else:
        row.stop_due_at = None
    starts = [stop.start for stop in whole if stop.is_long(machine.micro_stop, context.now)]
    if is_downtime and row.stop_since != begun:
        starts.append(begun)  # type: ignore[arg-type]  # a downtime has begun
    _look_again(row, starts)


def _look_again(row: MachineNow, starts: Sequence[datetime]) -> None:
    row.look_from = min([*starts, *([row.look_from] if row.look_from else [])], default=None)


def _work_out_anew(context: Context, row: MachineNow, machine: Machine, start: datetime, written: _Written) -> None:
    """From the interval before the one that holds at `start`: what is alike may have to be joined with it."""
    rows = StateInterval.objects.filter(work_unit=row.pk)
    before = rows.filter(started_at__lte=start).order_by("-started_at").values_list("started_at", flat=True)[:2]
    start = min([start, *before])
    found = clipped(
        spans(_words(row, start), _heard(row, machine, start), silence=machine.silence, now=context.now), start
    )
    wanted = {(span.state, span.word_of, span.start, span.end): span for span in found}
    gone = [
        old.pk
        for old in rows.filter(started_at__gte=start)
        if wanted.pop((old.state, old.word_of, old.started_at, old.ended_at), None) is None
    ]
    rows.filter(pk__in=gone).delete()
    StateInterval.objects.bulk_create([_interval(row, span) for span in wanted.values()])
    row.stop_since = row.stop_due_at = None
    if found:
        _look_again(row, [start])
        written.show(row, found[-1], machine)
    else:
        written.rows.append(row)


def _words(row: MachineNow, start: datetime) -> list[Word]:
    """Those that say what the machine did from `start` on: the last one before, and all after."""
    kept = StateWord.objects.filter(work_unit=row.pk)
    first = kept.filter(at__lte=start).order_by("-at").values_list("at", flat=True).first()
    return [Word(*word) for word in kept.filter(at__gte=first or start).values_list("at", "state", "word_of")]


def _heard(row: MachineNow, machine: Machine, start: datetime) -> list[Heard]:
    if machine.silence is None:
        return []
    minutes = HeardMinute.objects.filter(work_unit=row.pk, minute__gte=start - machine.silence - MINUTE)
    return [Heard(*each) for each in minutes.values_list("first_at", "last_at")]


def _interval(row: MachineNow, span: Span) -> StateInterval:
    return StateInterval(
        work_unit_id=row.pk,
        site_id=row.site_id,
        state=span.state,
        word_of=span.word_of,
        started_at=span.start,
        ended_at=span.end,
    )


@dataclass
class _Written:
    """What is to be written of many machines, in few statements."""

    rows: list[MachineNow] = field(default_factory=list)
    closed: list[tuple[int, datetime, datetime | None]] = field(default_factory=list)
    opened: list[StateInterval] = field(default_factory=list)
    changed: list[tuple[MachineNow, str]] = field(default_factory=list)

    def show(self, row: MachineNow, last: Span, machine: Machine) -> None:
        """`last` is what the machine does now."""
        if row.state != last.state:
            self.changed.append((row, row.state))
        row.state, row.word_of, row.since = last.state, last.word_of, last.start
        row.silent_at = silent_at(last.word_of, row.heard_until, machine.silence)
        self.rows.append(row)

    def write(self, context: Context) -> None:
        with connection.cursor() as cursor:
            if self.closed:
                cursor.execute(_CLOSE, [list(column) for column in zip(*self.closed, strict=True)])
            StateInterval.objects.bulk_create(self.opened)
            if self.rows:
                cursor.execute(_NOW, [[getattr(row, name) for row in self.rows] for name in _COLUMNS])
        context.record_all(
            [
                MachineStateChanged(
                    subject_id=row.pk,
                    site_id=row.site_id,
                    thread=f"machine:{row.pk}",
                    work_center_id=row.work_unit.work_center_id,
                    from_state=old,
                    to_state=row.state,
                    since=row.since or context.now,
                )
                for row, old in self.changed
            ]
        )
        for row, _old in self.changed:
            context.touch(f"machine:{row.pk}", f"station:{row.pk}", f"line:{row.work_unit.work_center_id}")
        if any(row.look_from for row in self.rows):
            context.touch(FOLLOW_TOPIC)


_CLOSE = """
UPDATE equipment_stateinterval AS interval SET ended_at = news.ended_at
  FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS news (work_unit_id, started_at, ended_at)
 WHERE interval.work_unit_id = news.work_unit_id AND interval.started_at = news.started_at
"""
_COLUMNS = (
    *("work_unit_id", "state", "word_of", "since", "last_word_at", "heard_until", "silent_at"),
    *("stop_since", "stop_due_at", "look_from"),
)
_NOW = f"""
UPDATE equipment_machinenow AS machine
   SET {", ".join(f"{name} = news.{name}" for name in _COLUMNS[1:])}
  FROM unnest(%s::bigint[], %s::text[], %s::text[], {", ".join(["%s::timestamptz[]"] * 7)})
       AS news ({", ".join(_COLUMNS)})
 WHERE machine.work_unit_id = news.work_unit_id
"""  # noqa: S608 - names from here
