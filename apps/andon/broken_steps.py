"""A step of a workflow whose guard can't be asked, or whose effect fails: the engineer is called to where it happened.

Whoever pressed was refused, and a refusal undoes all that its command has written; so it is read from the ledger, which
keeps refused attempts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import raise_exception
from apps.core.commands import Context, command
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.core.rights import EVERYWHERE
from apps.workflows.definition import word
from apps.workflows.judgement import BROKEN
from apps.workflows.models import Edge, Workflow

STEP_BROKEN = "step_broken"
# Older attempts are told by nobody any more: whoever pressed has found another way, or presses again.
LOOKED_BACK = timedelta(minutes=15)


@dataclass(frozen=True)
class BrokenStep:
    """problem: for the engineer, as the engine said it; at: of the last attempt."""

    site_id: int
    workflow_id: int
    edge: str
    item: str
    problem: str
    at: datetime

    @property
    def key(self) -> str:
        return f"{self.workflow_id}:{self.edge}"


def broken_steps(now: datetime) -> Iterator[BrokenStep]:
    """The last attempt at each step and site for which nobody is called, or was since."""
    rows = LedgerEvent.objects.filter(
        Q(data__code__in=sorted(BROKEN)), kind=ATTEMPT_REFUSED, recorded_at__gt=now - LOOKED_BACK
    ).order_by("pk")
    last: dict[tuple[int, str], BrokenStep] = {}
    for at, facts in rows.values_list("occurred_at", "data__facts"):
        if facts.get("workflow_id") and facts.get("site_id"):
            names = {name: facts[name] for name in ("site_id", "workflow_id", "edge", "item", "problem")}
            step = BrokenStep(**names, at=at)
            last[step.site_id, step.key] = step
    if not last:
        return
    called = FloorException.objects.filter(cause_kind=STEP_BROKEN, cause_key__in=[key for _site, key in last])
    known = {
        (site_id, key): (open_one, mended_at)
        for site_id, key, open_one, mended_at in called.values_list("site", "cause_key").annotate(
            open_one=Max("pk", filter=Q(resolved_at=None)), mended_at=Max("resolved_at")
        )
    }
    for place, step in last.items():
        open_one, mended_at = known.get(place, (None, None))
        if open_one is None and (mended_at is None or mended_at < step.at):
            yield step


@command("andon.call_for_broken_step")
def call_for_broken_step(
    context: Context, *, site_id: int, workflow_id: int, edge: str, item: str, problem: str
) -> int:
    """Id of the exception. Nothing is wrong with what was made: nothing was."""
    context.allow(ANSWER, at=EVERYWHERE)
    return raise_exception(
        context,
        Cause(
            type=STEP_BROKEN,
            kind=STEP_BROKEN,
            key=f"{workflow_id}:{edge}",
            site_id=site_id,
            facts={"workflow": workflow_id, "edge": edge, "item": item, "problem": problem},
            thread=f"workflow:{workflow_id}",
        ),
    )


def _names(exception: FloorException) -> dict[str, str]:
    facts = exception.facts
    workflow = Workflow.objects.filter(pk=facts["workflow"]).first()
    edges = Edge.objects.filter(version__workflow=facts["workflow"], code=facts["edge"]).order_by("-version__number")
    edge = edges.first()
    return {
        "workflow": workflow.name if workflow else "",
        "step": word(edge.labels, edge.code) if edge else facts["edge"],
        "problem": facts["problem"],
    }


def _headline(exception: FloorException) -> str:
    return _("Step “%(step)s” is broken") % _names(exception)


def _sentence(exception: FloorException) -> str:
    return _("“%(step)s” of %(workflow)s is refused because a part of it does not work: %(problem)s") % _names(
        exception
    )


declare(CauseKind(code=STEP_BROKEN, label=gettext_lazy("step that is broken"), headline=_headline, sentence=_sentence))
