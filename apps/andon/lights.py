"""What the andon lights show: red blinking where something stands and nobody has answered, red once somebody has, amber
for what else is open, green for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models.functions import Coalesce

from apps.andon.channels.interface import Address, ChannelKind, Failed, Message
from apps.andon.channels.light import Colour, Light, signal, topic
from apps.andon.models import ExceptionStatus, FloorException, Impact
from apps.core import clock
from apps.plant.models import WorkCenter, WorkUnit

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class Lamp:
    """`since` the state began, as far as is known: of green nobody knows."""

    colour: Colour
    blinks: bool = False
    exception_id: int | None = None
    since: datetime | None = None

    @property
    def rank(self) -> tuple[bool, bool, datetime | None, int]:
        """The smaller, the worse; of two that are as bad the older one."""
        return self.colour != Colour.RED, not self.blinks, self.since, self.exception_id or 0


DARK, GREEN = Lamp(Colour.OFF), Lamp(Colour.GREEN)


def lamps() -> dict[str, Lamp]:
    """By topic, of every line and work unit, what is worst first. Three queries."""
    at_lines: dict[int, Lamp] = {}
    at_units: dict[int, Lamp] = {}
    for line_id, unit_id, lamp in _open():
        at_lines[line_id] = min(lamp, at_lines.get(line_id, lamp), key=_rank)
        if unit_id is not None:
            at_units[unit_id] = min(lamp, at_units.get(unit_id, lamp), key=_rank)
    shown = {
        topic(line.site.code, line.code): at_lines.get(line.pk, GREEN)
        for line in WorkCenter.objects.select_related("site")
    }
    for unit in WorkUnit.objects.select_related("work_center__site"):
        line = unit.work_center
        shown[topic(line.site.code, line.code, unit.code)] = at_units.get(unit.pk, GREEN)
    return dict(sorted(shown.items(), key=lambda entry: (entry[1].colour != Colour.RED, not entry[1].blinks)))


def _rank(lamp: Lamp) -> tuple[bool, bool, datetime | None, int]:
    return lamp.rank


def _open() -> Iterator[tuple[int, int | None, Lamp]]:
    """What is part of a storm has been answered when its parent has."""
    rows = (
        FloorException.objects.not_done()
        .filter(work_center__isnull=False)
        .annotate(answer=Coalesce("parent__status", "status"))
        .values_list("work_center", "work_unit", "impact", "answer", "pk", "raised_at", "acknowledged_at")
    )
    for line_id, unit_id, impact, answer, pk, raised_at, acknowledged_at in rows:
        if impact != Impact.DOWN:
            yield line_id, unit_id, Lamp(Colour.AMBER, exception_id=pk, since=raised_at)
        elif answer == ExceptionStatus.OPEN:
            yield line_id, unit_id, Lamp(Colour.RED, blinks=True, exception_id=pk, since=raised_at)
        else:
            yield line_id, unit_id, Lamp(Colour.RED, exception_id=pk, since=acknowledged_at or raised_at)


@dataclass
class Lights:
    """What this process has told the broker. All is told anew after a start, and when the broker was gone meanwhile."""

    light: Light
    _told: dict[str, Lamp] = field(default_factory=dict)
    _connections: int = 0
    _is_broken: bool = False

    def follow(self) -> int:
        """Tells what has changed; how many it told."""
        if self.light.why_not_ready():
            return 0
        connections = self.light.connections
        if connections != self._connections:
            self._told.clear()
        wanted = lamps()
        gone = dict.fromkeys(self._told.keys() - wanted.keys(), DARK)
        told = 0
        for name, lamp in (wanted | gone).items():
            if self._told.get(name) != lamp:
                if not self._tell(name, lamp):
                    return 0
                told += 1
        for name in gone:
            del self._told[name]
        # The first connection was made by telling all of it.
        self._connections = connections or self.light.connections
        return told

    def _tell(self, name: str, lamp: Lamp) -> bool:
        data = signal(
            lamp.colour,
            at=lamp.since or clock.now(),
            blink=lamp.blinks,
            exception=lamp.exception_id or "",
        )
        message = Message(key=name, title="", body="", url="", severity="", tag=name, data=data)
        try:
            self.light.send(message, Address(kind=ChannelKind.LIGHT, topic=name), TIMEOUT_SECONDS)
        except Failed as failure:
            # Said once: it is tried again each second.
            if not self._is_broken:
                log.error("the andon lights do not follow: %s", failure.sentence)  # noqa: TRY400
            self._is_broken = True
            return False
        if self._is_broken:
            log.info("the andon lights follow again")
        self._is_broken = False
        self._told[name] = lamp
        return True
