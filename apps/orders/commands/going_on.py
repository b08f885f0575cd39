"""How an operation goes on that is blocked where it stands: at another station, in part, with other material."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.numbers import plain
from apps.materials.commands.erp_rows import Rejected
from apps.materials.models import Bom
from apps.orders.actions import GO_ON, SUBSTITUTE
from apps.orders.commands.answers import JobState, state_of
from apps.orders.commands.changing import save
from apps.orders.commands.planning import needs_of
from apps.orders.events import JobMoved, MaterialSubstituted, PartialRunDecided
from apps.orders.models import Blocker, BlockerKind, DispatchStatus, JobMaterial, JobOrder
from apps.orders.models.statuses import OPEN
from apps.orders.readiness import locked, reconsider
from apps.plant.models import WorkUnit

# A running one is at a machine; a paused one can be carried to another.
MOVABLE = OPEN | {DispatchStatus.SUSPENDED, DispatchStatus.HELD}


def _job(context: Context, job_order_id: int) -> JobOrder:
    try:
        return locked(job_order_id)
    except JobOrder.DoesNotExist:
        context.refuse("not_found", _("This operation does not exist any more. Reload the screen."))


@command("orders.move_job")
def move_job(context: Context, *, job_order_id: int, work_unit_id: int) -> JobState:
    """To another station of its line, before it starts or while it is paused.

    Raises CommandRefused: not_found, other_line, at_work, busy, and for who may not.
    """
    job = _job(context, job_order_id)
    context.allow(GO_ON, at=job.scope)
    # Two that are moved to one station at once: the second sees the first.
    unit = WorkUnit.objects.select_for_update(no_key=True).filter(pk=work_unit_id).first()
    if unit is None or unit.work_center_id != job.work_center_id:
        context.refuse("other_line", _("Choose a station of the same line."))
    if job.status not in MOVABLE:
        context.refuse("at_work", _("It runs, or it is over. Pause it first, then move it."))
    if job.work_unit_id == unit.pk:
        return state_of(job)
    if JobOrder.objects.filter(work_unit=unit, status=DispatchStatus.RUNNING).exists():
        context.refuse("busy", _("%(unit)s is at work on another order.") % {"unit": unit.code})
    old_id = job.work_unit_id
    context.touch(*job.topics)
    job.work_unit = unit
    save(context, job)
    context.touch(*job.topics)
    context.record(
        JobMoved(
            subject_id=job.pk,
            **job.work_order.story,
            old_unit_id=old_id,
            new_unit_id=unit.pk,
            work_center_id=job.work_center_id,
        )
    )
    return state_of(job)


@command("orders.run_in_part")
def run_in_part(context: Context, *, blocker_id: int) -> JobState:
    """It is decided that the operation runs as far as its material goes; the rest waits for the material.

    Raises CommandRefused: not_found, nothing_possible, and for who may not.
    """
    job_order_id = Blocker.objects.filter(pk=blocker_id).values_list("job_order", flat=True).first()
    job = _job(context, job_order_id or 0)
    context.allow(GO_ON, at=job.scope)
    blocker = Blocker.objects.open().filter(pk=blocker_id, kind=BlockerKind.MATERIAL).first()
    if blocker is None:
        context.refuse("not_found", _("The material is there now. Reload the screen."))
    if blocker.from_quantity <= job.made:
        context.refuse("nothing_possible", _("Not one more piece can be made without it."))
    blocker.runs_to = blocker.from_quantity
    blocker.save(update_fields=["runs_to"])
    context.touch(*job.topics)
    context.record(
        PartialRunDecided(
            subject_id=job.pk,
            **job.work_order.story,
            blocker_id=blocker.pk,
            to_quantity=blocker.from_quantity,
            quantity=job.quantity,
        )
    )
    return state_of(job)


@command("orders.substitute_material")
def substitute_material(context: Context, *, job_order_id: int, item_id: int, bom_id: int) -> JobState:
    """What is still to be made takes, instead of the item, what another parts list of the product takes there.

    The plan of the order stays: the ERP hears at the end what was used too much and too little.
    Raises CommandRefused: not_found, no_alternative, and for who may not.
    """
    job = _job(context, job_order_id)
    context.allow(SUBSTITUTE, at=job.scope)
    order = job.work_order
    bom = Bom.objects.filter(pk=bom_id, item=order.item_id, active=True).first()
    replaced = JobMaterial.objects.filter(job_order=job, item=item_id).first()
    if bom is None or replaced is None or job.status == DispatchStatus.COMPLETED:
        context.refuse("no_alternative", _("There is no such other parts list for it. Reload the screen."))
    try:
        needs = needs_of(bom, sorted(order.job_orders.values_list("sequence", flat=True)))[job.sequence]
    except Rejected as problem:
        context.refuse("no_alternative", problem.sentence)
    kept = set(JobMaterial.objects.filter(job_order=job).values_list("item_id", flat=True)) - {item_id}
    others = [need for need in needs if need.item_id not in kept | {item_id}]
    if not others or item_id in {need.item_id for need in needs}:
        context.refuse(
            "no_alternative",
            _("Parts list %(bom)s takes nothing else there, for %(quantity)s each.")
            % {"bom": bom.code, "quantity": plain(replaced.per_piece)},
        )
    replaced.delete()
    for need in others:
        JobMaterial.objects.create(job_order=job, item_id=need.item_id, per_piece=need.per_piece)
    context.record(
        MaterialSubstituted(
            subject_id=job.pk,
            **order.story,
            item_id=item_id,
            by_item_ids=[need.item_id for need in others],
            bom_id=bom.pk,
        )
    )
    job.__dict__.pop("needs", None)
    reconsider(context, job)
    return state_of(locked(job.pk))
