"""Exceptions begin and end with their cause, in the same transaction.

    raise_exceptions(context, [Cause(type="shortage", kind="shortage", key="12", site_id=1, ...)])
    end_causes(context, site_id=1, kind="shortage", keys=["12"])

For the commands of upper floors, which have asked for the right. What has happened has happened: it refuses only where
no workflow for exceptions was ever published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.andon.causes import Cause
from apps.andon.events import CauseEnded, ExceptionJoined, ExceptionRaised
from apps.andon.kinds import END
from apps.andon.ladder import Ladder
from apps.andon.models import (
    Clock,
    ClockInterval,
    ExceptionStatus,
    ExceptionType,
    FloorException,
    Informed,
    Occasion,
    PolicyVersion,
    Timer,
)
from apps.andon.owners import Finder, Place
from apps.andon.planning import Reads, save_with_plan, steps_of
from apps.andon.playbooks import to_act_alone
from apps.andon.recurrence import note_cases
from apps.andon.rows import CAUSE_ENDED
from apps.andon.storms import storms_in
from apps.andon.telling import tell, tell_systems
from apps.core.commands import Context
from apps.plant.models import Area, Site, WorkCenter
from apps.workflows.engine import fire
from apps.workflows.life.choosing import Chooser, Facts

# What exceptions are among all that runs on workflows.
KIND = "exception"

Key = tuple[str, str]


def raise_exceptions(context: Context, causes: Sequence[Cause]) -> dict[Key, int]:
    """Id of the open exception of each cause, new or there already; of one site.

    A fixed number of queries for many, besides what the rules count and do by each.
    """
    wanted = {cause.name: cause for cause in causes}
    if not wanted:
        return {}
    site_ids = {cause.site_id for cause in causes}
    if len(site_ids) != 1:
        raise ValueError("exceptions are raised for one site at a time")
    (site_id,) = site_ids
    open_ones = _open(site_id, wanted)
    if missing := wanted.keys() - open_ones.keys():
        _one_at_a_time(site_id, missing)
        open_ones |= _open(site_id, missing)
    _join(context, open_ones)
    raised = _raise(context, [cause for name, cause in wanted.items() if name not in open_ones])
    return {name: found.pk for name, found in {**open_ones, **raised}.items()}


def raise_exception(context: Context, cause: Cause) -> int:
    """Id of the open exception of the cause."""
    return raise_exceptions(context, [cause])[cause.name]


def end_causes(context: Context, *, site_id: int, kind: str, keys: Collection[str]) -> None:
    """The causes are gone: what is open for them closes, unless the cause says that it is there after all."""
    if not keys:
        return
    rows = FloorException.objects.open().filter(site=site_id, cause_kind=kind, cause_key__in=list(keys))
    for exception in rows.select_for_update(of=("self",)).order_by("pk"):
        if exception.cause.is_present(exception):
            continue
        context.record(CauseEnded(subject_id=exception.pk, **exception.story, owner_id=exception.owner_id))
        fire(context, FloorException, exception.pk, END, {CAUSE_ENDED: context.occurred_at}, as_system=True)


def _open(site_id: int, names: Collection[Key]) -> dict[Key, FloorException]:
    """Locked, but shared: many may join one shortage at once, none of them while it closes."""
    kinds, keys = zip(*names, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM andon_floorexception WHERE site_id = %s AND closed_at IS NULL AND (cause_kind, cause_key) "
            "IN (SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY id FOR SHARE",
            [site_id, list(kinds), list(keys)],
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = FloorException.objects.open().filter(pk__in=ids) if ids else []
    return {(row.cause_kind, row.cause_key): row for row in rows}


def _one_at_a_time(site_id: int, names: Collection[Key]) -> None:
    """Whoever raises the same causes waits here until this transaction has ended, and then finds them raised."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM "
            "(SELECT name FROM unnest(%s::text[]) AS name ORDER BY name) AS in_order",
            [[f"exception:{site_id}:{kind}:{key}" for kind, key in names]],
        )


def _join(context: Context, open_ones: Mapping[Key, FloorException]) -> None:
    """Whoever reports it a second time hears of it from now on; one that was thought resolved is open again."""
    person_id = context.actor.person_id
    for exception in open_ones.values():
        if exception.status == ExceptionStatus.RESOLVED:
            fire(context, FloorException, exception.pk, "reopen", as_system=True)
    if person_id is not None and not context.actor.is_system:
        others = [exception for exception in open_ones.values() if exception.owner_id != person_id]
        Informed.objects.bulk_create(
            [Informed(exception=exception, person_id=person_id, since=context.now) for exception in others],
            ignore_conflicts=True,
        )
    context.record_all(
        [
            ExceptionJoined(subject_id=exception.pk, **exception.story, person_id=person_id)
            for exception in open_ones.values()
        ]
    )


def _raise(context: Context, causes: Sequence[Cause]) -> dict[Key, FloorException]:
    if not causes:
        return {}
    made = _made(context, causes)
    inserted = FloorException.objects.bulk_create(made)
    reads = Reads()
    ladders = [_begin(exception, reads) for exception in inserted]
    ClockInterval.objects.bulk_create([run for ladder in ladders for runs in ladder.runs.values() for run in runs])
    _save_plans(ladders, context.now)
    context.record_all([_told(exception) for exception in inserted])
    _gather(context, inserted)
    note_cases(context, inserted)
    to_act_alone(context, inserted)
    tell(context, [(e, e.owner_id) for e in inserted if e.parent_id is None], Occasion.RAISED)
    _inform(context, ladders)
    tell_systems(context, inserted, Occasion.RAISED)
    context.touch(*[topic for exception in inserted for topic in exception.own_topics])
    return {(exception.cause_kind, exception.cause_key): exception for exception in inserted}


def _gather(context: Context, raised: Sequence[FloorException]) -> None:
    """Those that are part of a storm follow its parent from now on, and call nobody themselves."""
    by_id = {exception.pk: exception for exception in raised}
    for cause, members in storms_in(context, raised):
        parent_id = raise_exception(context, cause)
        for member in members:
            member.parent_id = parent_id
            save_with_plan(context, member)
            if member.pk in by_id:
                by_id[member.pk].parent_id = parent_id


@dataclass(frozen=True)
class _Rows:
    """All that new exceptions of one site point to; `versions`: what is in force, by policy."""

    site: Site
    chooser: Chooser
    types: Mapping[str, ExceptionType]
    versions: Mapping[int, PolicyVersion]
    lines: Mapping[int, WorkCenter]
    areas: Mapping[int, Area]


def _rows(context: Context, causes: Sequence[Cause]) -> _Rows:
    types = {row.code: row for row in ExceptionType.objects.filter(code__in={cause.type for cause in causes})}
    policies = PolicyVersion.objects.in_force().filter(policy__in={row.policy_id for row in types.values()})
    line_ids = {cause.work_center_id for cause in causes if cause.work_center_id}
    return _Rows(
        site=Site.objects.get(pk=causes[0].site_id),
        chooser=Chooser(KIND, context.now),
        types=types,
        versions={version.policy_id: version for version in policies},
        lines=WorkCenter.objects.select_related("site", "area").in_bulk(line_ids),
        areas=Area.objects.in_bulk({cause.area_id for cause in causes if cause.area_id}),
    )


def _made(context: Context, causes: Sequence[Cause]) -> list[FloorException]:
    rows, finder = _rows(context, causes), Finder(context.now)
    return [_new(context, cause, rows, finder) for cause in causes]


def _new(context: Context, cause: Cause, rows: _Rows, finder: Finder) -> FloorException:
    kind = rows.types[cause.type]
    line = rows.lines[cause.work_center_id] if cause.work_center_id else None
    area = line.area if line else rows.areas[cause.area_id] if cause.area_id else None
    owner = finder.owner(Place(rows.site, area, line), kind.pk)
    return FloorException(
        workflow_version=rows.chooser.version_for(
            Facts(rows.site.code, line.code if line else "", work_center_id=cause.work_center_id)
        ),
        type=kind,
        severity=kind.severity,
        impact=kind.impact,
        policy_version=rows.versions[kind.policy_id],
        site=rows.site,
        area=area,
        work_center=line,
        work_unit_id=cause.work_unit_id,
        cause_kind=cause.kind,
        cause_key=cause.key,
        recurs_as=cause.key if cause.recurs_as is None else cause.recurs_as,
        facts=dict(cause.facts),
        thread=cause.thread,
        work_order_id=cause.work_order_id,
        lot_id=cause.lot_id,
        erp_reference=cause.erp_reference,
        raised_at=cause.at or context.occurred_at,
        raised_by_id=context.actor.person_id,
        terminal_id=context.actor.terminal_id,
        hits_at=cause.hits_at,
        owner_id=owner.person_id,
        owner_level=owner.level,
        owner_role=owner.role,
        owner_since=context.now,
        # Nobody could answer before it was known: the ladder begins now, the clocks with the cause.
        ladder_started_at=context.now,
    )


def _begin(exception: FloorException, reads: Reads) -> Ladder:
    version = exception.policy_version
    clocks = [Clock.RESPONSE, Clock.RESOLUTION] if version.resolution_minutes else [Clock.RESPONSE]
    runs = {
        clock: [ClockInterval(exception=exception, clock=clock, started_at=exception.raised_at)] for clock in clocks
    }
    return Ladder(exception, version, steps_of(version.pk), runs, reads.calendar(exception))


def _save_plans(ladders: Sequence[Ladder], now: datetime) -> None:
    for ladder in ladders:
        ladder.exception.deadline_at = ladder.deadline
    FloorException.objects.bulk_update([ladder.exception for ladder in ladders], ["deadline_at"])
    Timer.objects.bulk_create([timer for ladder in ladders for timer in ladder.timers(now)])


def _told(exception: FloorException) -> ExceptionRaised:
    return ExceptionRaised(
        subject_id=exception.pk,
        **exception.story,
        type=exception.type.code,
        cause_kind=exception.cause_kind,
        cause_key=exception.cause_key,
        severity=exception.severity,
        impact=exception.impact,
        work_center_id=exception.work_center_id,
        work_unit_id=exception.work_unit_id,
        owner_id=exception.owner_id,
        owner_level=exception.owner_level,
        owner_role=exception.owner_role,
        policy_version_id=exception.policy_version_id,
        parent_id=exception.parent_id,
    )


def _inform(context: Context, ladders: Iterable[Ladder]) -> None:
    """Who must know besides the owner: whoever is on duty in the roles that the policy names."""
    finder = Finder(context.now)
    rows: dict[tuple[int, int], Informed] = {}
    for ladder in ladders:
        exception = ladder.exception
        for role in ladder.version.informs:
            for person_id in finder.on_duty(role, exception.scope)[:1]:
                if person_id != exception.owner_id:
                    row = Informed(exception=exception, person_id=person_id, role=role, since=context.now)
                    rows.setdefault((exception.pk, person_id), row)
    Informed.objects.bulk_create(rows.values(), ignore_conflicts=True)
    tell(context, [(row.exception, row.person_id) for row in rows.values()], Occasion.INFORMED)
