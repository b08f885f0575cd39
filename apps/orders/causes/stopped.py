"""An operation that a rule or a step of a workflow has stopped: an exception until somebody says that it may go on."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.orders.models import Blocker, BlockerKind, JobOrder
from apps.workflows.definition import Texts, word

STOPPED = "stopped_job"
TYPE = "blocked_job"


def raise_it(context: Context, job: JobOrder, say: Texts, because: str, type_code: str = TYPE) -> int:
    """Id of the exception."""
    order = job.work_order
    return raise_exception(
        context,
        Cause(
            type=type_code,
            kind=STOPPED,
            key=str(job.pk),
            site_id=job.site_id,
            work_center_id=job.work_center_id,
            work_unit_id=job.work_unit_id,
            facts={"say": say, "because": because, "order": order.number, "sequence": job.sequence},
            thread=order.thread,
            erp_reference=order.number,
            work_order_id=order.pk,
            hits_at=order.due_at,
        ),
    )


def let_go(context: Context, blockers: Collection[Blocker]) -> None:
    """These are closed, of operations that are over or gone: nobody has to lift them any more."""
    for blocker in blockers:
        if blocker.kind == BlockerKind.STOPPED:
            end_causes(context, site_id=blocker.site_id, kind=STOPPED, keys=[str(blocker.job_order_id)])


def _headline(exception: FloorException) -> str:
    return _("%(order)s operation %(sequence)s is stopped") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    return _("%(say)s (%(because)s)") % {**exception.facts, "say": word(exception.facts["say"])}


STOPPED_JOB = declare(
    CauseKind(
        code=STOPPED,
        label=gettext_lazy("operation is stopped"),
        headline=_headline,
        sentence=_sentence,
        is_present=lambda exception: Blocker.objects.open().filter(exception=exception).exists(),
    )
)
