"""Machines that say something, at seconds after an evening that all tests of them share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.core.commands import repeatable
from apps.equipment.models import Machine, StateInterval
from apps.equipment.tasks import follow_machines
from apps.equipment.timeline import Word
from apps.equipment.words import Told, take_words
from apps.plant.models import WorkUnit
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import RULES
from apps.workflows.tasks import look_again_where_due
from tests.workflows.rules.bells import publish

START = datetime(2026, 6, 1, 6, tzinfo=UTC)
LINE = Actor.system("tests", Origin.MACHINE)

# (second, state); a state of "" is a signal that says no state, say a count.
Said = tuple[float, str]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def told(said: Iterable[Said]) -> Told:
    news = Told()
    for second, state in said:
        news.hear(at(second))
        if state:
            news.words.append(Word(at(second), state, "signal"))
    return news


def tell(unit: WorkUnit, *said: Said, now: float | None = None) -> None:
    """By its signals, all at once; the clock stands at `now`, else at the last of them."""
    clock.move_to(at(max(second for second, _ in said) if now is None else now), rate=0)
    with repeatable("tests.tell", LINE) as context:
        take_words(context, {unit.pk: told(said)})


def later(second: float) -> int:
    """The worker's look at that time, at machines and at what rules wait for; how many machines it had to do with."""
    clock.move_to(at(second), rate=0)
    followed = follow_machines.run()
    look_again_where_due.run()
    return followed


def when_machines_stand(code: str = "machine_stands", **otherwise: Any) -> None:
    """A version of the shipped rule that says otherwise, or another rule that does the same, in force from now on."""
    shipped = json.loads((RULES / "machine_stands.json").read_text(encoding="utf-8"))
    publish(RuleSpec.model_validate({**shipped, "code": code, **otherwise}))


def make_machine(unit: WorkUnit, **values: object) -> Machine:
    """Calls nobody unless it is told to: most tests have no plant that could be called."""
    return Machine.objects.create(work_unit=unit, **{"raises_exceptions": False, **values})


def intervals(unit: WorkUnit) -> list[tuple[str, float, float | None]]:
    """(state, from, to) in seconds."""
    rows = StateInterval.objects.filter(work_unit=unit).order_by("started_at")
    return [(row.state, seconds(row.started_at), seconds(row.ended_at) if row.ended_at else None) for row in rows]


def seconds(moment: datetime) -> float:
    return (moment - START).total_seconds()
