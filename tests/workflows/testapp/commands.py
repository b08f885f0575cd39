from typing import Any

from apps.core.commands import Context, command
from apps.workflows.engine import fire
from tests.workflows.testapp.models import Thing


@command("testapp.move_thing")
def move_thing(
    context: Context, *, thing_id: int, edge: str, inputs: dict[str, Any] | None = None, as_system: bool = False
) -> str:
    if as_system:
        context.allow_anyone()
    return fire(context, Thing, thing_id, edge, inputs or {}, as_system=as_system).item.state
