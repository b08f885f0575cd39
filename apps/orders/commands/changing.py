"""What makes an order another one: its quantity, its operations, its parts, its end.

Used for what the ERP changes before anything has begun, and for what somebody has decided afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from apps.core.actors import Actor, Origin
from apps.core.commands import Context
from apps.core.numbers import plain
from apps.core.ownership import erp_authority
from apps.materials.models import Bom
from apps.orders.commands.planning import Plan, needs_of, operations_of
from apps.orders.commands.release import OrderSteps, add_operations, check_steps
from apps.orders.events import WorkOrderChanged
from apps.orders.models import (
    ChangedField,
    DispatchStatus,
    JobMaterial,
    JobOrder,
    OrderPlan,
    Routing,
    WorkOrder,
)
from apps.orders.models.statuses import BEGUN, OPEN, OVER
from apps.orders.readiness import drop, locked, reconsider
from apps.plant.models import Person, ReasonCode
from apps.workflows.definition import REASON
from apps.workflows.engine import fire

CANCEL = "cancel"
# The shipped reason code; a plant that has none like it gets its first one.
CANCELLED_IN_ERP = "cancel_erp"
CANCELLABLE = OPEN | {DispatchStatus.HELD}


def locked_jobs(order: WorkOrder) -> list[JobOrder]:
    """Its operations in their order; none of them can start until the transaction ends."""
    rows = JobOrder.objects.select_for_update(of=("self",)).filter(work_order=order).order_by("pk")
    return sorted(rows, key=lambda job: job.sequence)


def has_begun(jobs: list[JobOrder]) -> bool:
    done = OVER - {DispatchStatus.CANCELLED}
    return any(job.started_at is not None or job.status in BEGUN | done for job in jobs)


def is_cancelled(statuses: Set[str]) -> bool:
    """`statuses` of its operations."""
    return DispatchStatus.CANCELLED in statuses and not statuses & (OPEN | BEGUN)


@contextmanager
def as_the_erp(context: Context, source: str) -> Iterator[None]:
    """A person who decides for what the ERP has sent writes the ERP's value, not one of their own."""
    with erp_authority(replace(context, actor=Actor.system(source, Origin.ERP))):
        yield


def save(context: Context, row: WorkOrder | JobOrder | OrderPlan) -> None:
    """The row's history names who acted, as far as it is a person."""
    signed = row
    signed._history_user = Person(pk=context.actor.person_id)  # type: ignore[union-attr]
    signed.save()


def change(context: Context, order: WorkOrder, field: str, new: str, *, source: str) -> None:
    """`new` as PendingChange keeps it.  Refused when what was made already stands against it; raises Rejected."""
    if field == ChangedField.QUANTITY:
        _change_quantity(context, order, Decimal(new), source)
    elif field == ChangedField.CANCELLED:
        _cancel(context, order)
    else:
        _replan(context, order, field, int(new))
    jobs = locked_jobs(order)
    context.record(WorkOrderChanged(subject_id=order.pk, **order.story, fields=[field]))
    for job in jobs:
        reconsider(context, locked(job.pk))
        context.touch(*job.topics)


def _change_quantity(context: Context, order: WorkOrder, quantity: Decimal, source: str) -> None:
    jobs = locked_jobs(order)
    most = max((job.made for job in jobs), default=Decimal(0))
    if quantity < most:
        context.refuse("made_already", _("%(made)s are made already.") % {"made": plain(most)})
    order.quantity = quantity
    with as_the_erp(context, source):
        save(context, order)
    for job in jobs:
        if job.status not in OVER:
            job.quantity = quantity
            save(context, job)


def _cancel(context: Context, order: WorkOrder) -> None:
    for job in locked_jobs(order):
        if job.status in CANCELLABLE:
            fire(context, JobOrder, job.pk, CANCEL, _inputs_of_cancel(job), as_system=True)
        elif job.status not in OVER:
            context.refuse(
                "running",
                _("Operation %(sequence)s is at work. Complete it short or hold it first.")
                % {"sequence": job.sequence},
            )


def _inputs_of_cancel(job: JobOrder) -> dict[str, str]:
    """The reason is the ERP's, in the way in which the plant's workflow asks for one."""
    edge = job.graph.edge(CANCEL, job.state)
    asked = next((each for each in edge.spec.all_inputs if each.name == REASON), None) if edge else None
    if asked is None:
        return {}
    if asked.type == "text":
        return {REASON: _("Cancelled in the ERP.")}
    choosable = ReasonCode.objects.choosable(asked.reason_purpose)
    code = choosable.filter(code=CANCELLED_IN_ERP).first() or choosable.first()
    return {REASON: code.code} if code else {}


def _replan(context: Context, order: WorkOrder, field: str, new_id: int) -> None:
    made_from = OrderPlan.objects.select_for_update(of=("self",)).select_related("routing", "bom")
    plan = made_from.filter(work_order=order).first()
    if plan is None:
        context.refuse("no_plan", _("Order %(number)s was not made from a routing.") % {"number": order.number})
    if field == ChangedField.ROUTING:
        plan.routing = Routing.objects.get(pk=new_id)
        save(context, plan)
        replace_operations(context, order, Plan(routing=plan.routing, bom=plan.bom))
    else:
        plan.bom = Bom.objects.get(pk=new_id)
        save(context, plan)
        _replace_needs(order, plan.bom)


def replace_operations(context: Context, order: WorkOrder, plan: Plan) -> None:
    """Those begun stay as they are; the steps behind them are the new routing's."""
    jobs = locked_jobs(order)
    kept = [job for job in jobs if job.started_at is not None or job.status not in OPEN]
    last = kept[-1] if kept else None
    steps = [step for step in operations_of(plan) if last is None or step.sequence > last.sequence]
    if steps or last is None:
        check_steps(context, order.number, steps)
    going = [job for job in reversed(jobs) if job not in kept]
    if last is not None and any(job.sequence < last.sequence for job in going):
        context.refuse("out_of_order", _("An operation has begun behind one that has not."))
    JobMaterial.objects.filter(job_order__in=going).delete()
    drop(context, going)
    try:
        for job in going:
            job.delete()
    except ProtectedError:
        context.refuse("in_use", _("Something hangs on an operation that would go. Cancel the order instead."))
    if steps:
        add_operations(context, [OrderSteps(order, steps, after=last)])


def _replace_needs(order: WorkOrder, bom: Bom) -> None:
    jobs = locked_jobs(order)
    needs = needs_of(bom, [job.sequence for job in jobs])
    for job in jobs:
        if job.status in OVER:
            continue
        JobMaterial.objects.filter(job_order=job).delete()
        for need in needs[job.sequence]:
            JobMaterial.objects.create(job_order=job, item_id=need.item_id, per_piece=need.per_piece)
