"""What people say of a machine, and what time does to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.equipment.actions import MANAGE_MACHINES, REPORT
from apps.equipment.following import follow
from apps.equipment.models import Downtime, MachineNow
from apps.equipment.timeline import DOWN, MachineState, Word, WordOf
from apps.equipment.words import Told, settings_of, take_words
from apps.plant.models import WorkUnit


@dataclass(frozen=True, kw_only=True)
class MachineIs:
    """After a command; `downtime_id` of the one that goes on, or None."""

    work_unit_id: int
    state: str
    since: datetime
    downtime_id: int | None


@command("equipment.stop_machine")
def stop_machine(context: Context, *, work_unit_id: int) -> MachineIs:
    """Somebody says that the machine stands still: a downtime from the start of the stop on. For everybody, at a locked
    terminal too; said again it is the same stop.

    Raises CommandRefused: not_found.
    """
    context.allow_anyone()
    unit = _unit(context, work_unit_id)
    return _say(context, unit, MachineState.STOPPED)


@command("equipment.running_again")
def running_again(context: Context, *, work_unit_id: int) -> MachineIs:
    """Somebody says that the machine runs again; at a locked terminal too: nobody is locked out of what they see.

    Raises CommandRefused: not_found, runs_already, and for a person who may not.
    """
    unit = _unit(context, work_unit_id)
    if context.actor.terminal_id is not None and context.actor.person_id is None:
        context.allow_anyone()
    else:
        context.allow(REPORT, at=unit.scope)
    now = MachineNow.objects.filter(pk=unit.pk).first()
    if now is None or now.state not in DOWN:
        open_one = Downtime.objects.open().filter(work_unit=unit).exists()
        if not open_one:
            context.refuse("runs_already", _("The machine is not stopped. Nothing to do."))
    return _say(context, unit, MachineState.PRODUCING)


@command("equipment.follow_machine")
def follow_machine(context: Context, *, work_unit_id: int) -> bool:
    """What time has done: silence, a stop that is now a downtime. For the worker; False: another one is at it."""
    context.allow(MANAGE_MACHINES, at=EVERYWHERE)
    rows = MachineNow.objects.select_for_update(of=("self",), skip_locked=True).select_related("work_unit")
    row = rows.filter(pk=work_unit_id).first()
    if row is None:
        return False
    follow(context, row, settings_of({row.pk: row})[row.pk])
    return True


def _unit(context: Context, work_unit_id: int) -> WorkUnit:
    unit = WorkUnit.objects.select_related("work_center").filter(pk=work_unit_id).first()
    if unit is None:
        context.refuse("not_found", _("This machine does not exist any more. Reload the screen."))
    return unit


def _say(context: Context, unit: WorkUnit, state: MachineState) -> MachineIs:
    word = Word(min(context.occurred_at, context.now), state.value, WordOf.PERSON.value)
    row = take_words(context, {unit.pk: Told([word])})[unit.pk]
    follow(context, row, settings_of({unit.pk: row})[unit.pk])
    downtime = Downtime.objects.open().filter(work_unit=unit).first()
    return MachineIs(
        work_unit_id=unit.pk,
        state=row.state,
        since=row.since or word.at,
        downtime_id=downtime.pk if downtime else None,
    )
