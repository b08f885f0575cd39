"""100,000 events of 10,000 operations are laid over a draft of a rule, against a loop that only reads the same events.

The draft counts three of the same on the line within an hour and rests; the version in force asks a quarter of an hour
later whether it is still so, of the operation's row of that time.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from tests.bench.figures import load, told
from tests.bench.replaying import BARS, Progress, measured
from tests.bench.running import product
from tests.bench.workflow_simulate import prepared

# One that nobody in the demo plant has told yet.
KIND = "workflows.edge_signed"
RULE: dict[str, Any] = {
    "code": "bench_rule",
    "name": "Pauses",
    "event": KIND,
    "conditions": [{"field": "event.item_kind", "operator": "=", "value": "job_order"}],
    "actions": [{"code": "notify", "parameters": {"role": "line_lead", "say": {"en": "Look.", "de": "Sieh nach."}}}],
    "per_minute": 600,
}
PAUSED = {"field": "event.edge", "operator": "in", "value": ["pause", "resume"]}
STILL = {"field": "subject.status", "operator": "!=", "value": "cancelled"}
IN_FORCE = {**RULE, "conditions": [*RULE["conditions"], STILL], "after_seconds": 900, "same": ["line"]}
DRAFT = {
    **RULE,
    "conditions": [*RULE["conditions"], PAUSED],
    "scope": [{"line": "L3"}],
    "same": ["line", "event.edge"],
    "window": {"count": 3, "minutes": 60},
    "cool_down_minutes": 5,
}


def main() -> None:
    with product():
        prepared(KIND, order="step.n * 3600 + job.id")
        result, figures = measured("simulation of a rule", KIND, partial(_replay, *_versions()))
        tally = result.draft
        print(
            f"{tally.events} events, the draft acts on {tally.acts}, the version in force on {result.before.acts}; "
            f"{result.differing} differ; {tally.exact} exact, {tally.estimated} estimated, {tally.impossible} "
            f"impossible, {load()}"
        )
    told("rule_simulate", figures, BARS)


def _versions() -> tuple[Any, Any]:
    from apps.core.actors import Actor
    from apps.workflows.models import RuleVersion
    from apps.workflows.rules import commands, publishing
    from apps.workflows.rules.definition import RuleSpec

    system = Actor.system("bench")
    in_force = commands.draft_rule(system, uuid4(), spec=RuleSpec.model_validate(IN_FORCE))
    commands.submit_rule_for_review(system, uuid4(), version_id=in_force)
    publishing.publish_rule(system, uuid4(), version_id=in_force, note="As agreed.")
    draft = commands.draft_rule(system, uuid4(), spec=RuleSpec.model_validate(DRAFT))
    rows = RuleVersion.objects.select_related("rule").in_bulk([draft, in_force])
    return rows[draft], rows[in_force]


def _replay(draft: Any, in_force: Any, events: int, progress: Progress) -> Any:
    from apps.workflows.rules.definition import RuleSpec
    from apps.workflows.simulate.past import Span
    from apps.workflows.simulate.rules.replay import replay_rule

    return replay_rule(draft, RuleSpec.model_validate(draft.content), in_force, Span(moves=events), progress=progress)


if __name__ == "__main__":
    main()
