"""Stops that become downtimes, and downtimes that end or turn out otherwise: kept in step with the intervals.

The machine's row is locked by the caller, and all of it happens in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from apps.core.commands import Context
from apps.core.events import Story
from apps.equipment.causes import settle_call
from apps.equipment.events import MachineStands, StopChanged, StopClassified, StopClosed, StopOpened, StopWithdrawn
from apps.equipment.models import Downtime, DowntimePart, Machine, MachineNow, ReasonWord, StateInterval
from apps.equipment.parts import Part, fitted
from apps.equipment.timeline import DOWN, MachineState, Span, Stop, stops
from apps.equipment.words import rewrite
from apps.plant.models import Person

# A machine may say why it stops a moment before it does.
SAID_BEFORE = timedelta(seconds=5)


def follow(context: Context, row: MachineNow, machine: Machine) -> None:
    """Brings silence and downtimes of the machine up to `context.now`."""
    if row.silent_at and row.silent_at <= context.now:
        rewrite(context, row, machine, row.silent_at)
    start = min((at for at in (row.look_from, row.stop_since) if at), default=None)
    if start is not None:
        _settle_stops(context, row, machine, start)
    due = Downtime.objects.to_call(context.now).filter(work_unit=row.pk)
    for downtime in due.select_for_update(of=("self",)).select_related("work_unit"):
        settle_call(context, downtime, machine)


def _settle_stops(context: Context, row: MachineNow, machine: Machine, start: datetime) -> None:
    since, found = _spans_around(row, start)
    whole = stops(found)
    going = whole[-1] if whole and whole[-1].end is None else None
    long = [stop for stop in whole if stop.is_long(machine.micro_stop, context.now)]
    _settle(context, row, machine, _standing(row, since), long)
    row.stop_since = going.start if going else None
    row.stop_due_at = going.start + machine.micro_stop if going and going not in long else None
    row.look_from = None
    row.save(update_fields=["stop_since", "stop_due_at", "look_from"])


def _spans_around(row: MachineNow, start: datetime) -> tuple[datetime | None, list[Span]]:
    """From the last state before `start` that was no part of a stop; None: from the beginning."""
    intervals = StateInterval.objects.filter(work_unit=row.pk)
    before = intervals.filter(started_at__lt=start).exclude(state__in=[*DOWN, MachineState.NO_DATA])
    since = before.order_by("-started_at").values_list("started_at", flat=True).first()
    rows = (intervals.filter(started_at__gte=since) if since else intervals).order_by("started_at")
    return since, [Span(*each) for each in rows.values_list("state", "started_at", "ended_at", "word_of")]


def _standing(row: MachineNow, since: datetime | None) -> list[Downtime]:
    rows = Downtime.objects.standing().filter(work_unit=row.pk)
    near = rows.filter(Q(ended_at=None) | Q(ended_at__gt=since)) if since else rows
    return list(near.select_for_update(of=("self",)).select_related("work_unit").order_by("started_at"))


def _settle(
    context: Context, row: MachineNow, machine: Machine, rows: Sequence[Downtime], long: Sequence[Stop]
) -> None:
    said = _parts(rows)
    left = list(rows)
    pairs: list[tuple[Downtime | None, Stop]] = []
    for stop in long:
        near = [each for each in left if _share(each, stop)]
        own = next((each for each in near if each.started_at == stop.start), near[0] if near else None)
        if own is not None:
            left.remove(own)
        pairs.append((own, stop))
    for each in left:
        _withdraw(context, each)
        settle_call(context, each, machine)
    for own, stop in pairs:
        downtime = own or _open(context, row, stop)
        if (downtime.started_at, downtime.ended_at) != (stop.start, stop.end):
            _move(context, downtime, stop)
        _fit_parts(context, downtime, fitted(said, stop.start, stop.end))
        settle_call(context, downtime, machine)


def _share(downtime: Downtime, stop: Stop) -> bool:
    return (stop.end is None or downtime.started_at < stop.end) and (
        downtime.ended_at is None or downtime.ended_at > stop.start
    )


def _open(context: Context, row: MachineNow, stop: Stop) -> Downtime:
    downtime = Downtime(
        site_id=row.site_id,
        work_unit=row.work_unit,
        started_at=stop.start,
        ended_at=stop.end,
    )
    _save(context, downtime)
    context.record(
        StopOpened(
            subject_id=downtime.pk,
            **story_of(downtime),
            work_unit_id=row.pk,
            work_center_id=row.work_unit.work_center_id,
            started_at=stop.start,
            ended_at=stop.end,
            by_hand=stop.by_hand,
        )
    )
    if stop.end is not None:
        _tell_end(context, downtime, stop.end)
    else:
        _tell_standing(context, downtime)
    return downtime


def _move(context: Context, downtime: Downtime, stop: Stop) -> None:
    old_start, old_end = downtime.started_at, downtime.ended_at
    downtime.started_at, downtime.ended_at = stop.start, stop.end
    _save(context, downtime)
    if old_start == stop.start and old_end is None and stop.end is not None:
        _tell_end(context, downtime, stop.end)
        return
    context.record(
        StopChanged(
            subject_id=downtime.pk,
            **story_of(downtime),
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            old_started_at=old_start,
            old_ended_at=old_end,
            started_at=stop.start,
            ended_at=stop.end,
        )
    )
    if stop.end is None:
        _tell_standing(context, downtime)
    elif old_end is None:
        _tell_end(context, downtime, stop.end)


def _tell_standing(context: Context, downtime: Downtime) -> None:
    context.record(
        MachineStands(
            subject_id=downtime.pk,
            **story_of(downtime),
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            started_at=downtime.started_at,
        )
    )


def _tell_end(context: Context, downtime: Downtime, ended_at: datetime) -> None:
    context.record(
        StopClosed(
            subject_id=downtime.pk,
            **story_of(downtime),
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            started_at=downtime.started_at,
            ended_at=ended_at,
        )
    )


def _withdraw(context: Context, downtime: Downtime) -> None:
    downtime.withdrawn_at = context.now
    _save(context, downtime)
    context.record(
        StopWithdrawn(
            subject_id=downtime.pk,
            **story_of(downtime),
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            started_at=downtime.started_at,
            ended_at=downtime.ended_at,
        )
    )


def story_of(downtime: Downtime) -> Story:
    return Story(site_id=downtime.site_id, thread=f"downtime:{downtime.pk}", erp_reference="")


def _parts(rows: Sequence[Downtime]) -> list[Part]:
    kept = DowntimePart.objects.filter(downtime__in=rows)
    names = ("started_at", "ended_at", "reason_id", "classified_at", "classified_by_id")
    return [Part(*part) for part in kept.values_list(*names)]


def _fit_parts(context: Context, downtime: Downtime, wanted: Sequence[Part]) -> None:
    """Row by row in order, so that a part that only grows stays the row that it is."""
    kept = list(downtime.parts.order_by("started_at"))
    for extra in kept[len(wanted) :]:
        sign(context, extra)
        extra.delete()
    for index, part in enumerate(wanted):
        row = kept[index] if index < len(kept) else DowntimePart(downtime=downtime, site_id=downtime.site_id)
        if not row.pk or _as_part(row) != part:
            row.started_at, row.ended_at, row.reason_id = part.start, part.end, part.reason_id
            row.classified_at, row.classified_by_id = part.classified_at, part.classified_by_id
            sign(context, row)
            row.save()
        if row.reason_id is None:
            _take_over_reason(context, downtime, row)
    context.touch(*downtime.topics)


def _take_over_reason(context: Context, downtime: Downtime, part: DowntimePart) -> None:
    """The machine may have said why itself, at the stop's start or while it lasted."""
    said = ReasonWord.objects.filter(work_unit=downtime.work_unit_id, at__gte=part.started_at - SAID_BEFORE)
    word = (said.filter(at__lt=part.ended_at) if part.ended_at else said).order_by("at", "reason").first()
    if word is None:
        return
    explain(context, downtime, part, word.reason_id, by_id=None)


def explain(context: Context, downtime: Downtime, part: DowntimePart, reason_id: int, *, by_id: int | None) -> None:
    """Why it stood; `by_id` None: the machine has said it."""
    old_id = part.reason_id
    part.reason_id, part.classified_at, part.classified_by_id = reason_id, context.now, by_id
    sign(context, part)
    part.save()
    context.record(
        StopClassified(
            subject_id=downtime.pk,
            **story_of(downtime),
            part_id=part.pk,
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            reason_id=reason_id,
            old_reason_id=old_id,
        )
    )


def _as_part(row: DowntimePart) -> Part:
    return Part(row.started_at, row.ended_at, row.reason_id, row.classified_at, row.classified_by_id)


def _save(context: Context, downtime: Downtime) -> None:
    sign(context, downtime)
    downtime.save()
    context.touch(*downtime.topics)


def sign(context: Context, row: Downtime | DowntimePart) -> None:
    """The row's history names who acted, as far as it is a person."""
    row._history_user = Person(pk=context.actor.person_id)  # type: ignore[union-attr]  # read by simple-history
