"""An operation waits for somebody who is qualified: an exception from the call until it goes on, or is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, Hit, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.core.prepared import Given, Prepared
from apps.orders.models import JobOrder
from apps.workflows.events import StateChanged
from apps.workflows.graph import CompiledEdge

MISSING_SKILL = "missing_skill"
TYPE = "missing_skill"


def raise_it(context: Context, job: JobOrder, edge: CompiledEdge, skills: str, lacking: Collection[str]) -> int:
    """Id of the exception; `skills` as people call them, `lacking` the codes of those that whoever calls does not have.

    Who joins it may lack others: a partner is sought for the first one.
    """
    order = job.work_order
    return raise_exception(
        context,
        Cause(
            type=TYPE,
            kind=MISSING_SKILL,
            key=str(job.pk),
            site_id=job.site_id,
            work_center_id=job.work_center_id,
            work_unit_id=job.work_unit_id,
            facts={
                "edge": edge.spec.code,
                "skills": skills,
                "lacking": sorted(lacking),
                "order": order.number,
                "sequence": job.sequence,
                "operation": job.name,
            },
            thread=order.thread,
            erp_reference=order.number,
            work_order_id=order.pk,
            hits_at=order.due_at,
        ),
    )


@subscribe(StateChanged)
def end_it(event: StateChanged, context: Context) -> None:
    """Somebody who may has taken the edge, or it is none any more where the operation stands now."""
    if event.item_kind != "job_order" or event.site_id is None:
        return
    key = str(event.subject_id)
    if _CALLED.first(site=event.site_id, key=key) is not None:
        end_causes(context, site_id=event.site_id, kind=MISSING_SKILL, keys=[key])


# Asked with every move of an operation, and as a rule there is none.
_CALLED = Prepared(
    lambda: (
        FloorException.objects.filter(
            site=Given("site"), cause_kind=MISSING_SKILL, cause_key=Given("key"), closed_at=None
        )
        .order_by()
        .values_list("pk")
    )
)


def waiting_job(exception: FloorException) -> tuple[JobOrder, CompiledEdge] | None:
    """The operation and the edge that asks for the qualification, as long as it could be taken."""
    rows = JobOrder.objects.select_related("work_order", "workflow_version", "work_center__site")
    job = rows.filter(pk=int(exception.cause_key)).first()
    edge = job.graph.edge(exception.facts["edge"], job.state) if job else None
    return (job, edge) if job is not None and edge is not None and edge.spec.skills else None


def _headline(exception: FloorException) -> str:
    return _("%(order)s waits for %(skills)s") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    return _(
        "%(order)s operation %(sequence)s %(operation)s waits for somebody who is qualified for %(skills)s."
    ) % dict(exception.facts)


def _hits(exceptions: Collection[FloorException]) -> Mapping[int, list[Hit]]:
    """The order itself.  One query."""
    jobs = JobOrder.objects.select_related("work_order").in_bulk([int(e.cause_key) for e in exceptions])
    return {e.pk: [_hit(jobs[int(e.cause_key)])] for e in exceptions if int(e.cause_key) in jobs}


def _hit(job: JobOrder) -> Hit:
    return Hit(at=job.work_order.due_at, reference=job.work_order.number, sentence=job.name)


SKILL = declare(
    CauseKind(
        code=MISSING_SKILL,
        label=gettext_lazy("missing qualification"),
        headline=_headline,
        sentence=_sentence,
        is_present=lambda exception: waiting_job(exception) is not None,
        hits=_hits,
    )
)
