"""Standard work as engineers keep it: drafted, published, retired; and frozen into the operations that run by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.materials.commands.rows import alone_with, found, save_signed
from apps.materials.models import Item
from apps.orders.actions import EDIT_STANDARD_WORK
from apps.orders.events import WorkMasterDrafted, WorkMasterPublished, WorkMasterRetired
from apps.orders.models import (
    DirectiveStep,
    Frequency,
    JobOrder,
    MasterStatus,
    MasterStep,
    WorkDirective,
    WorkMaster,
)
from apps.orders.models.standard_work import StepFields
from apps.orders.progress import RANK
from apps.plant.models import Site

# What a step is, apart from where it stands.
COPIED = [each.attname for each in StepFields._meta.get_fields() if hasattr(each, "attname")]
# In a list, what comes before the first piece stands first and what is due between pieces last.
PART: dict[str, int] = {
    frequency: 0 if rank == 0 else 1 if frequency == Frequency.PER_PIECE else 2 for frequency, rank in RANK.items()
}


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """One step to be drafted; the fields are those of the model. `scan_item`: the code of an item."""

    kind: str
    titles: dict[str, str]
    frequency: str = Frequency.PER_PIECE.value
    texts: dict[str, str] = field(default_factory=dict)
    every_n: int | None = None
    container_size: int | None = None
    required: bool = True
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    aim: Decimal | None = None
    scan_item: str = ""


@command("orders.draft_master")
def draft_master(
    context: Context, *, item_id: int, operation_name: str, steps: list[StepSpec], site_id: int | None = None
) -> int:
    """A new draft with these steps, in their order. Answers its id."""
    site = found(context, Site.objects.all(), site_id) if site_id is not None else None
    context.allow(EDIT_STANDARD_WORK, at=site.scope if site else EVERYWHERE)
    item = found(context, Item.objects.all(), item_id)
    master = _new_draft(context, item_id=item.pk, operation_name=operation_name, site_id=site_id, copy_of_id=None)
    for position, spec in enumerate(steps, start=1):
        _save_step(context, _step_of(context, master, position, spec))
    return master.pk


@command("orders.copy_master")
def copy_master(context: Context, *, master_id: int) -> int:
    """A new draft with the steps of any version, retired ones too: that is how one changes it. Answers its id."""
    source = _locked(context, master_id)
    master = _new_draft(
        context,
        item_id=source.item_id,
        operation_name=source.operation_name,
        site_id=source.site_id,
        copy_of_id=source.pk,
    )
    for step in source.steps.order_by("position"):
        _save_step(context, MasterStep(master=master, **_content(step)))
    return master.pk


@command("orders.publish_master")
def publish_master(context: Context, *, master_id: int) -> str:
    """From here on it never changes, and operations released from now run by it; the one before is retired."""
    master = _locked(context, master_id)
    _insist(context, master, MasterStatus.DRAFT)
    _check(context, list(master.steps.order_by("position")))
    before = (
        WorkMaster.objects.select_for_update()
        .filter(
            item=master.item_id,
            operation_name=master.operation_name,
            site=master.site_id,
            status=MasterStatus.PUBLISHED,
        )
        .first()
    )
    if before:
        before.status = MasterStatus.RETIRED
        save_signed(context, before)
    master.status, master.published_at = MasterStatus.PUBLISHED, context.now
    save_signed(context, master)
    context.record(
        WorkMasterPublished(
            subject_id=master.pk,
            site_id=master.site_id,
            item_id=master.item_id,
            number=master.number,
            replaced_id=before.pk if before else None,
        )
    )
    return master.status


@command("orders.retire_master")
def retire_master(context: Context, *, master_id: int) -> str:
    """Operations released from now on run without steps; those released before keep theirs."""
    master = _locked(context, master_id)
    _insist(context, master, MasterStatus.PUBLISHED)
    master.status = MasterStatus.RETIRED
    save_signed(context, master)
    context.record(
        WorkMasterRetired(subject_id=master.pk, site_id=master.site_id, item_id=master.item_id, number=master.number)
    )
    return master.status


def freeze_standard_work(site_id: int, jobs: Sequence[JobOrder], now: datetime) -> None:
    """Each operation's own copy of the steps in force; where there are none the keypad counts.

    For a command that has asked for its right already.
    """
    masters = WorkMaster.objects.in_force(site_id, {job.work_order.item_code for job in jobs})
    found = [(job, masters.get((job.work_order.item_code, job.name))) for job in jobs]
    directives = [WorkDirective(job_order=job, master=master, frozen_at=now) for job, master in found if master]
    if not directives:
        return
    WorkDirective.objects.bulk_create(directives)
    steps: defaultdict[int | None, list[MasterStep]] = defaultdict(list)
    for step in MasterStep.objects.filter(master__in={each.master_id for each in directives}).order_by("position"):
        steps[step.master_id].append(step)
    DirectiveStep.objects.bulk_create(
        DirectiveStep(directive=directive, **{**_content(step), "position": position})
        for directive in directives
        for position, step in enumerate(steps[directive.master_id], start=1)
    )


# ---- shared


def _locked(context: Context, master_id: int) -> WorkMaster:
    rows = WorkMaster.objects.select_related("site").select_for_update(of=("self",))
    master = found(context, rows, master_id)
    context.allow(EDIT_STANDARD_WORK, at=master.scope)
    return master


def _insist(context: Context, master: WorkMaster, status: MasterStatus) -> None:
    if master.status != status:
        context.refuse(
            "wrong_status",
            _("It is %(status)s, so this is not possible.") % {"status": MasterStatus(master.status).label},
            status=master.status,
        )


def _new_draft(
    context: Context, *, item_id: int, operation_name: str, site_id: int | None, copy_of_id: int | None
) -> WorkMaster:
    if not operation_name.strip():
        context.refuse("no_operation", _("Say which operation the steps are for."))
    alone_with("work_master", item_id, operation_name, site_id)  # the next number is given once
    same: dict[str, Any] = {"item_id": item_id, "operation_name": operation_name.strip(), "site_id": site_id}
    master = WorkMaster(number=WorkMaster.objects.next_number(**same), **same)
    save_signed(context, master)
    context.record(
        WorkMasterDrafted(
            subject_id=master.pk, site_id=site_id, item_id=item_id, number=master.number, copy_of_id=copy_of_id
        )
    )
    return master


def _step_of(context: Context, master: WorkMaster, position: int, spec: StepSpec) -> MasterStep:
    given = {name: value for name, value in vars(spec).items() if name != "scan_item"}
    item = Item.objects.filter(code=spec.scan_item).first() if spec.scan_item else None
    if spec.scan_item and item is None:
        context.refuse("unknown_item", _("There is no item %(code)s.") % {"code": spec.scan_item})
    return MasterStep(master=master, position=position, scan_item=item, **given)


def _save_step(context: Context, step: MasterStep) -> None:
    try:
        step.full_clean(exclude=["master"])
    except ValidationError as error:
        context.refuse("not_a_step", f"{step.position}: {' '.join(error.messages)}")
    save_signed(context, step)


def _content(step: MasterStep) -> dict[str, Any]:
    return {name: getattr(step, name) for name in COPIED}


def _check(context: Context, steps: list[MasterStep]) -> None:
    """What can't be worked is not published."""
    if not steps:
        context.refuse("no_steps", _("There is no step in it."))
    for step in steps:
        if not step.title:
            context.refuse("no_title", _("Step %(number)s has no title.") % {"number": step.position})
    parts = [PART[step.frequency] for step in steps]
    if parts != sorted(parts):
        context.refuse(
            "wrong_order",
            _("First stand the steps once and per set-up, then those per piece, then those due between pieces."),
        )
    of_a_piece = [step for step in steps if step.frequency == Frequency.PER_PIECE]
    if of_a_piece and not of_a_piece[-1].required:
        context.refuse("piece_never_good", _("The last step per piece has to be required: with it the piece is good."))
