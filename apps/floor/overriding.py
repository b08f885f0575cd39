"""An answer to an exception whose step is broken: what is sent once more, by who passes over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict

from apps.andon.models import FloorException
from apps.andon.rows import ARRIVES, CAUSE, RESOLUTION, UNTIL
from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.workflows.actions import OVERRIDE
from apps.workflows.definition import REASON
from apps.workflows.judgement import BROKEN
from apps.workflows.kinds import kind_of

# Those that are steps of the exception itself.
STEPS = frozenset({"take", "going", "at-it", "resolve", "reopen", "put-off"})
NOTE = "note"
# What the answers send of what their steps ask for.
GIVEN = (RESOLUTION, CAUSE, REASON)
# Of those that say in how many minutes: what these become.
TIMES = {"going": ARRIVES, "put-off": UNTIL}


@dataclass(frozen=True)
class Override:
    """`given`: names and values of the answer, to be sent with the override."""

    edge: str
    label: str
    given: list[tuple[str, str]]


def override_offered(
    exception: FloorException, actor: Actor, refusal: CommandRefused, act: str, sent: QueryDict
) -> Override | None:
    """None where nothing of this exception is broken, or the person may not pass over it."""
    is_its_own = act in STEPS and refusal.facts.get("item") == f"{kind_of(FloorException).code}:{exception.pk}"
    if refusal.code not in BROKEN or not is_its_own or not rights.may(actor, OVERRIDE, exception.scope):
        return None
    return override_of(exception, str(refusal.facts["edge"]), act, sent)


def override_of(exception: FloorException, edge: str, act: str, sent: QueryDict) -> Override:
    given = [("act", act), *((name, str(sent[name])) for name in ("minutes", NOTE, *GIVEN) if sent.get(name))]
    return Override(edge, exception.graph.edge_label(edge), given)


def inputs_of(sent: QueryDict) -> dict[str, Any]:
    """Of the step, as the answer itself would give them."""
    given: dict[str, str | datetime] = {name: str(sent[name]) for name in GIVEN if sent.get(name)}
    time = TIMES.get(sent.get("act", ""))
    return given | {time: clock.now() + timedelta(minutes=entry.whole(sent, "minutes"))} if time else given
