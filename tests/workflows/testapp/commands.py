from typing import Any

from apps.core.commands import Context, command
from apps.workflows.engine import fire
from tests.workflows.testapp.effects import Rung
from tests.workflows.testapp.models import PlainThing, Thing


@command("testapp.move_thing")
def move_thing(
    context: Context, *, thing_id: int, edge: str, inputs: dict[str, Any] | None = None, as_system: bool = False
) -> str:
    if as_system:
        context.allow_anyone()
    return fire(context, Thing, thing_id, edge, inputs or {}, as_system=as_system).item.state


@command("testapp.ring_bell")
def ring_bell(
    context: Context, *, text: str, loudness: int = 1, site_id: int | None = None, reason_id: int | None = None
) -> int:
    """The fact: a thing and an event."""
    context.allow_anyone()
    PlainThing.objects.create(name=f"fact {text}")
    return context.record(
        Rung(subject_id=text, site_id=site_id, why="by hand", loudness=loudness, reason_id=reason_id, tones=[text])
    )
