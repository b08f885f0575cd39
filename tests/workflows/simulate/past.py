"""A shop with work behind it, and a draft laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.core import clock
from apps.workflows.definition import Definition
from apps.workflows.models import Version
from apps.workflows.simulate.borrowed import past_of
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.replay import replay
from apps.workflows.simulate.result import Result
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import Change, Shop, thing_workflow

WEEK = Span(days=7)


def later(minutes: float = 1) -> None:
    """The clock goes on, so that what comes now has another time."""
    clock.move_to(clock.now() + timedelta(minutes=minutes), rate=0)


def laid_over(shop: Shop, draft: Definition, span: Span = WEEK, **asked: Any) -> Result:
    later(0.1)
    version = Version.objects.select_related("workflow").get(pk=shop.version.pk)
    return replay(THING, draft, past_of(version, draft).befores, version, span, **asked)


def tried(shop: Shop, *changes: Change, **edges: Mapping[str, Any]) -> Result:
    return laid_over(shop, thing_workflow(*changes, **edges))


def stops(result: Result) -> list[tuple[str, str, int]]:
    return [(stop.edge, stop.reason.value, stop.moves) for stop in result.draft.stops]
