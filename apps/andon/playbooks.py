"""What the playbook says to do about an exception, as buttons, with what has worked before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.andon.cures import CURES, InPlace, Subject, Subjects, cures_for
from apps.andon.models import AloneRun, FloorException, Playbook, PlaybookStep
from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import Context
from apps.workflows.models import VersionStatus

# What has ended an exception ended it within so long after it was done.
WORKS_WITHIN = timedelta(hours=4)
# Of the history so much is looked at: what helped years ago need not help today.
LOOKS_BACK = timedelta(days=365)
# Wakes the worker that tries what acts alone.
ALONE_TOPIC = "andon:alone"


@dataclass(frozen=True)
class Record:
    """How often it was tried and worked, and how many minutes that took, in the middle.

    It worked: the cause was gone, or the exception resolved, within WORKS_WITHIN after it was done, without anything
    else done in between, and it was not opened again afterwards. What was done a moment ago counts as neither.
    """

    tried: int
    worked: int
    median_minutes: int | None


@dataclass(frozen=True)
class Suggestion:
    """A step with the ways in which its cure can be applied now; none for an instruction.

    record  None: never tried
    """

    step: PlaybookStep
    ways: list[InPlace]
    record: Record | None

    @property
    def is_instruction(self) -> bool:
        return not self.step.cure


def playbook_for(exception: FloorException, actor: Actor, part_id: int | None = None) -> list[Suggestion]:
    """The steps of the playbook in force for it, in their order; nothing where no playbook fits."""
    subject = Subject(exception, part_id)
    return suggested(exception, cures_for([subject], actor)[subject])


def suggested(exception: FloorException, ways: Sequence[InPlace]) -> list[Suggestion]:
    """The same, of cures that are in place for it."""
    steps = steps_for(exception)
    if not steps:
        return []
    records = records_of(exception.type_id, steps, clock.now())
    return [
        Suggestion(
            step,
            [way for way in ways if way.cure.code == step.cure and step.takes(way.offer.inputs)],
            records.get(step.pk),
        )
        for step in steps
    ]


def steps_for(exception: FloorException) -> list[PlaybookStep]:
    published = Playbook.objects.filter(type=exception.type_id, versions__status=VersionStatus.PUBLISHED)
    playbook = chosen(exception, published)
    if playbook is None:
        return []
    steps = PlaybookStep.objects.filter(version__playbook=playbook, version__status=VersionStatus.PUBLISHED)
    return list(steps.select_related("version__playbook").order_by("position"))


def chosen(exception: FloorException, playbooks: Iterable[Playbook]) -> Playbook | None:
    """The most exact one that fits."""
    return max((p for p in playbooks if p.fits(exception)), key=lambda p: p.exactness, default=None)


# `ended` is when the cause was gone or the exception resolved; an applied cure of a playbook's instruction is known by
# the code of its step, that of a registered cure by itself, whoever applied it.
_HISTORY = """
WITH applied AS (
    SELECT a.id, a.exception_id, a.at, CASE WHEN a.cure = '' THEN 'step:' || s.code ELSE a.cure END AS what,
           coalesce(e.cause_ended_at, e.resolved_at, e.closed_at) AS ended
      FROM andon_appliedcure a
      JOIN andon_floorexception e ON e.id = a.exception_id
      LEFT JOIN andon_playbookstep s ON s.id = a.step_id
     WHERE e.type_id = %(type)s AND a.at > %(since)s AND (a.cure = ANY (%(cures)s) OR s.code = ANY (%(codes)s))
), judged AS (
    SELECT what, ended - at AS took,
           ended IS NOT NULL AND ended >= at AND ended <= at + %(within)s
           AND NOT EXISTS (SELECT 1 FROM andon_appliedcure other WHERE other.exception_id = applied.exception_id
                              AND other.id > applied.id AND other.at <= applied.ended)
           AND NOT EXISTS (SELECT 1 FROM core_ledgerevent l WHERE l.subject_kind = 'exception'
                              AND l.subject_id = applied.exception_id::text AND l.kind = 'workflows.state_changed'
                              AND l.data ->> 'edge' = 'reopen' AND l.occurred_at > applied.at) AS worked
      FROM applied WHERE ended IS NOT NULL OR at <= %(now)s - %(within)s
)
SELECT what, count(*), count(*) FILTER (WHERE worked),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took)) FILTER (WHERE worked)
  FROM judged GROUP BY what
"""


def records_of(type_id: int, steps: Collection[PlaybookStep], now: datetime) -> Mapping[int, Record]:
    """By id of the step; those never tried are not there. One query."""
    inputs: dict[str, Any] = {
        "type": type_id,
        "since": now - LOOKS_BACK,
        "now": now,
        "within": WORKS_WITHIN,
        "cures": [step.cure for step in steps if step.cure],
        "codes": [step.code for step in steps if not step.cure],
    }
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, inputs)
        found = {what: (tried, worked, seconds) for what, tried, worked, seconds in cursor.fetchall()}
    return {
        step.pk: Record(found[name][0], found[name][1], _minutes(found[name][2]))
        for step in steps
        if (name := step.cure or f"step:{step.code}") in found
    }


def _minutes(seconds: float | None) -> int | None:
    return None if seconds is None else round(float(seconds) / 60)


def first_way(exception: FloorException, step: PlaybookStep) -> Subject | None:
    """Of all that hangs on it, what the step can be applied to first; None where nothing is possible."""
    cure = CURES.get(step.cure)
    if cure is None or not cure.is_for(exception):
        return None
    subjects = Subjects(Subject(exception, part_id) for part_id in cure.parts(exception))
    offers = cure.offers(subjects)
    for subject in subjects:
        if any(not offer.why_not and step.takes(offer.inputs) for offer in offers.get(subject, [])):
            return subject
    return None


def to_act_alone(context: Context, raised: Sequence[FloorException]) -> None:
    """Notes for the worker what is to be tried about the new exceptions. One query where no playbook acts alone."""
    kinds = {exception.type_id for exception in raised}
    published = PlaybookStep.objects.filter(version__status=VersionStatus.PUBLISHED, acts_alone=True)
    alone = list(
        published.filter(version__playbook__type__in=kinds).select_related("version__playbook").order_by("position")
    )
    if not alone:
        return
    playbooks = list(Playbook.objects.filter(type__in=kinds, versions__status=VersionStatus.PUBLISHED))
    runs = []
    for exception in raised:
        playbook = chosen(exception, playbooks)
        step = next((each for each in alone if playbook and each.version.playbook_id == playbook.pk), None)
        if step is not None:
            runs.append(AloneRun(exception=exception, step=step, due_at=context.now))
    AloneRun.objects.bulk_create(runs)
    context.touch(ALONE_TOPIC)
