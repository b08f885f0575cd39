"""Working together on an operation: who does, from when to when. Rows are written here alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from apps.core.commands import Context
from apps.core.prepared import Given, Prepared
from apps.orders.events import WorkTogetherBegan, WorkTogetherEnded
from apps.orders.models import JobOrder, PartedBy, Partnership
from apps.plant.access import qualified
from apps.workflows.graph import CompiledEdge


def partners_at(job: JobOrder, at: datetime) -> Collection[int]:
    """Ids of who works together on the operation with whoever acts on it. One query."""
    return frozenset(Partnership.objects.lasting_at(at).filter(job_order=job.pk).values_list("person_id", flat=True))


def partners_of(job_order_id: int) -> list[Partnership]:
    """Those of now, with their names, the longest first."""
    return _OPEN(job_order=job_order_id)


_OPEN = Prepared(
    lambda: (
        Partnership.objects.open()
        .filter(job_order=Given("job_order"))
        .select_related("person")
        .order_by("started_at", "pk")
    )
)


def ways_for_partners(job: JobOrder) -> list[CompiledEdge]:
    """The edges from where the operation stands that a partner's qualification suffices for."""
    exits = job.graph.exits.get(job.state, ())
    return [edge for edge in exits if edge.spec.skills and edge.spec.partner_suffices]


def lends(partner_id: int, other_id: int, edges: Iterable[CompiledEdge], at: datetime) -> bool:
    """Whether for one of the edges the partner holds all that the other lacks. Two queries for each edge."""
    for edge in edges:
        lacking = qualified(other_id, edge.spec.skills, at)
        if lacking and not qualified(partner_id, lacking, at):
            return True
    return False


def begin(context: Context, job: JobOrder, partnership: Partnership) -> None:
    """Not before an earlier one of the same partner has ended."""
    last = Partnership.objects.filter(job_order=job, person=partnership.person_id).order_by("-ended_at").first()
    if last is not None and last.ended_at is not None:
        partnership.started_at = max(partnership.started_at, last.ended_at)
    partnership.save()
    context.record(
        WorkTogetherBegan(
            subject_id=job.pk,
            **job.work_order.story,
            partnership_id=partnership.pk,
            person_id=partnership.person_id,
            asked_by_id=partnership.asked_by_id,
            work_center_id=job.work_center_id,
        )
    )
    context.touch(*job.topics)


def end_all(
    context: Context,
    ended_by: PartedBy,
    at: datetime,
    *,
    job_order_id: int | None = None,
    person_id: int | None = None,
) -> int:
    """Those of the operation, of the person, or of both; how many. What another has locked is being ended already."""
    rows = Partnership.objects.open().select_for_update(of=("self",), skip_locked=True)
    if job_order_id is not None:
        rows = rows.filter(job_order=job_order_id)
    if person_id is not None:
        rows = rows.filter(person=person_id)
    ended = list(rows.select_related("job_order__work_order", "job_order__work_center").order_by("pk"))
    for partnership in ended:
        _end(context, partnership, ended_by, at)
    return len(ended)


def _end(context: Context, partnership: Partnership, ended_by: PartedBy, at: datetime) -> None:
    partnership.ended_at, partnership.ended_by = max(at, partnership.started_at), ended_by
    partnership.save(update_fields=["ended_at", "ended_by"])
    job = partnership.job_order
    context.record(
        WorkTogetherEnded(
            subject_id=job.pk,
            **job.work_order.story,
            partnership_id=partnership.pk,
            person_id=partnership.person_id,
            ended_by=ended_by.value,
        )
    )
    context.touch(*job.topics)
