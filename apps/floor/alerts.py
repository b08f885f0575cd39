"""What is open at a place, as its screens show it: loud while nobody has answered, quiet once somebody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.andon.commands.calling import is_call_from
from apps.andon.models import ExceptionStatus, FloorException, ScreenMessage
from apps.andon.path import Look, Rung, looks
from apps.andon.queries import messages_at, open_at_line, open_at_station
from apps.equipment.causes import DOWNTIME
from apps.equipment.estimates import Estimate, estimates
from apps.equipment.models import Downtime
from apps.plant.models import WorkCenter, WorkUnit

# As many rungs fit beside each other on a wall: the owner, and those round the level that is reached.
RUNGS = 4


@dataclass(frozen=True)
class Alerts:
    """`first`: the most urgent one, those without an answer before all others; None: all is quiet.

    messages  what a rule or a step says there, the last first
    call    of the station itself: who has called sees how it stands, and may ring again
    likely  when it ends, where it is a stop of whose reason enough is known
    """

    first: Look | None
    others: Sequence[FloorException]
    likely: Estimate | None = None
    messages: Sequence[ScreenMessage] = ()
    call: Look | None = None

    @property
    def rungs(self) -> Sequence[Rung]:
        return rungs_beside(self.first) if self.first else ()

    @property
    def ring(self) -> str:
        return ring(self.first) if self.first else ""

    @property
    def is_loud(self) -> bool:
        return self.first is not None and self.first.is_loud


def rungs_beside(look: Look) -> Sequence[Rung]:
    """The owner, and the rungs that matter now."""
    above = look.rungs[1:]
    reached = max(0, look.exception.level - 1)
    start = max(0, min(reached, len(above) - (RUNGS - 1)))
    return [*look.rungs[:1], *above[start : start + RUNGS - 1]]


def ring(look: Look) -> str:
    """What is heard while nobody has answered, and heard anew with each level; "" once somebody has."""
    return f"{look.exception.pk}:{look.exception.level}" if look.is_loud else ""


def alerts_at_station(unit: WorkUnit) -> Alerts:
    found = _alerts(open_at_station(unit.pk, unit.work_center_id), unit)
    return replace(found, messages=messages_at(unit.work_center_id, unit.pk))


def alerts_at_line(line: WorkCenter, now: datetime) -> Alerts:
    found = replace(_alerts(open_at_line(line.pk)), messages=messages_at(line.pk))
    return replace(found, likely=_likely_end(found.first.exception, now)) if found.first else found


def _likely_end(exception: FloorException, now: datetime) -> Estimate | None:
    if exception.cause_kind != DOWNTIME:
        return None
    pk = int(exception.cause_key)
    return estimates(Downtime.objects.open().filter(pk=pk), now=now).get(pk)


def _alerts(rows: list[FloorException], unit: WorkUnit | None = None) -> Alerts:
    """A path is worked out for the first one only, and for the station's own call."""
    ordered = sorted(rows, key=lambda row: row.status != ExceptionStatus.OPEN)
    calls = sorted((row for row in rows if unit and is_call_from(row, unit.pk)), key=lambda row: (row.severity, row.pk))
    seen = {look.exception.pk: look for look in looks({row.pk: row for row in (*ordered[:1], *calls[:1])}.values())}
    return Alerts(
        first=seen[ordered[0].pk] if ordered else None,
        call=seen[calls[0].pk] if calls else None,
        others=ordered[1:],
    )
