"""The target of a shift: typed by who leads the line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.plant.calendar_times import Shift
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import shifts_between
from apps.shifts.actions import SET_TARGET
from apps.shifts.events import TargetSet
from apps.shifts.models import ShiftTarget
from apps.shifts.queries import target_in_force

# Nobody plans a shift farther away; a date beyond is a slip of the finger.
FARTHEST = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target in force after the command; `quantity` in the units of the line's orders."""

    target_id: int
    version: int
    quantity: Decimal


@command("shifts.set_target")
def set_target(
    context: Context,
    *,
    work_center_id: int,
    shift_date: date,
    shift_code: str,
    quantity: Decimal,
    reason: FreeText = "",
) -> Target:
    """Says what the shift that starts on the local day `shift_date` is to make at the line's counting point.

    A change while the shift runs needs a reason; a shift that is over keeps its target.
    Raises CommandRefused: not_found, no_shift, shift_over, no_quantity, no_reason, and for who may not.
    """
    lines = WorkCenter.objects.select_for_update(of=("self",)).select_related("site")
    line = lines.filter(pk=work_center_id).first()
    if line is None:
        context.refuse("not_found", _("This line does not exist any more. Reload the page."))
    context.allow(SET_TARGET, at=line.scope)
    shift = _shift(context, line, shift_date, shift_code)
    if quantity <= 0:
        context.refuse("no_quantity", _("Type how many the shift is to make."))
    old = target_in_force(line.pk, shift)
    if old and context.now >= shift.start and not reason.strip():
        context.refuse("no_reason", _("The shift runs already. Say why its target changes."))
    target = ShiftTarget.objects.create(
        site_id=line.site_id,
        work_center=line,
        shift_date=shift_date,
        shift_code=shift_code,
        version=old.version + 1 if old else 1,
        quantity=quantity,
        set_by_id=context.actor.person_id,
        set_at=context.occurred_at,
        note=reason.strip(),
    )
    context.record(
        TargetSet(
            subject_id=target.pk,
            site_id=line.site_id,
            work_center_id=line.pk,
            shift_date=shift_date,
            shift_code=shift_code,
            version=target.version,
            quantity=quantity,
            old_quantity=old.quantity if old else None,
        )
    )
    context.touch(line.place)
    return Target(target_id=target.pk, version=target.version, quantity=quantity)


def _shift(context: Context, line: WorkCenter, shift_date: date, code: str) -> Shift:
    """The shift that is meant; refused where there is none, or when it is over."""
    near: list[Shift] = []
    if abs(shift_date - context.now.date()) <= FARTHEST:
        noon = datetime.combine(shift_date, time(12), UTC)
        near = shifts_between(line, noon - timedelta(days=2), noon + timedelta(days=2))
    shift = next((shift for shift in near if (shift.shift_date, shift.code) == (shift_date, code)), None)
    if shift is None:
        context.refuse("no_shift", _("There is no such shift on that day."), _("A process engineer plans the shifts."))
    if context.now >= shift.end:
        context.refuse("shift_over", _("This shift is over: its target stays."))
    return shift
