"""What shipped rules would have done otherwise: stops and approvals that were over in time are known by their past."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.workflows import commands as workflows
from apps.workflows.models import RuleVersion, Version
from apps.workflows.rules.commands import draft_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import RULES
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.rules.replay import replay_rule
from apps.workflows.simulate.rules.result import RuleResult
from tests.equipment.machines import at, later, make_machine, tell, when_machines_stand
from tests.seeded import seed_plant
from tests.workflows.rules.bells import SYSTEM
from tests.world import World, give_role, make_person, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    clock.move_to(at(0), rate=0)
    seed_plant()
    return make_world()


def tried(code: str, **otherwise: Any) -> RuleResult:
    """A draft of the shipped rule, beside the version in force."""
    shipped: Mapping[str, Any] = json.loads((RULES / f"{code}.json").read_text(encoding="utf-8"))
    content = RuleSpec.model_validate({**shipped, **otherwise})
    in_force = RuleVersion.objects.published().get(rule__code=code)
    version = RuleVersion.objects.select_related("rule").get(pk=run(draft_rule, SYSTEM, spec=content))
    return replay_rule(version, content, in_force, Span(days=7))


def test_a_stop_that_was_over_in_time_would_have_called_nobody(world: World) -> None:
    make_machine(world.station, raises_exceptions=True, silence_seconds=None)
    when_machines_stand(after_seconds=300)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(400)
    tell(world.station, (500, "producing"))
    tell(world.station, (2000, "stopped"))
    later(2300)
    later(5000)
    result = tried("machine_stands", after_seconds=900)
    assert (result.before.acts, result.draft.acts, result.really) == (2, 1, 2)
    (called_no_more,) = result.differences[:1]
    assert (called_no_more.differs, called_no_more.why, called_no_more.subject) == ("less", "not_still", "A33")
    assert (result.draft.exact, result.draft.events) == (2, 2)


def test_an_approval_that_was_given_back_in_time_would_have_called_nobody(world: World) -> None:
    anna = make_person("anna", site=world.site)
    give_role(anna, "process_engineer")
    published = Version.objects.get(workflow__code="job_order", status="published")
    draft = run(workflows.create_draft, anna, version_id=published.pk)
    run(workflows.submit_for_review, anna, version_id=draft)
    clock.move_to(clock.now() + timedelta(hours=5), rate=0)
    run(workflows.return_to_draft, anna, version_id=draft)
    clock.move_to(clock.now() + timedelta(hours=30), rate=0)
    assert tried("approval_waits", after_seconds=4 * 3600).draft.outcomes == {"acts": 1}
    assert tried("approval_waits", after_seconds=6 * 3600).draft.outcomes == {"not_still": 1}
