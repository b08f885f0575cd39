"""Pia writes workflows, Paul approves them; and the ways from one version to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from apps.core.errors import CommandRefused
from apps.plant.models import Person
from apps.workflows.commands import create_draft, publish, save_draft, submit_for_review
from apps.workflows.definition import Definition
from apps.workflows.life.commands import plan_moves
from apps.workflows.life.planning import DecisionSpec, LineSpec
from apps.workflows.models import Policy, Version
from apps.workflows.tasks import move_items, take_effect_when_due
from tests.world import give_role, make_person, make_role, run

ACTIONS = ("workflows.view", "workflows.edit", "workflows.publish", "workflows.stop_edge")


@dataclass(frozen=True)
class Office:
    pia: Person
    paul: Person

    def draft(self, of: Version, definition: Definition | None = None) -> Version:
        draft = run(create_draft, self.pia, version_id=of.pk)
        if definition:
            run(save_draft, self.pia, version_id=draft, definition=definition)
        return Version.objects.get(pk=draft)

    def plan(
        self, draft: Version, policy: Policy, *lines: LineSpec, decisions: list[DecisionSpec] | None = None
    ) -> None:
        run(plan_moves, self.pia, version_id=draft.pk, policy=policy, lines=list(lines), decisions=decisions or [])

    def publish(self, draft: Version, **how: Any) -> Version:
        run(submit_for_review, self.pia, version_id=draft.pk)
        return self.publish_reviewed(draft, **how)

    def publish_reviewed(self, draft: Version, **how: Any) -> Version:
        run(publish, self.paul, version_id=draft.pk, note="Better so.", **how)
        return Version.objects.get(pk=draft.pk)

    def next(
        self, of: Version, policy: Policy, *lines: LineSpec, definition: Definition | None = None, **how: Any
    ) -> Version:
        """Draft, plan, review, publication; nothing has moved yet."""
        draft = self.draft(of, definition)
        self.plan(draft, policy, *lines)
        return self.publish(draft, **how)


def make_office() -> Office:
    make_role("engineer", *ACTIONS)
    people = [make_person("pia"), make_person("paul")]
    for person in people:
        give_role(person, "engineer")
    return Office(*people)


def work() -> int:
    """What the worker does until nothing is left; how many items it looked at."""
    take_effect_when_due.run()
    looked_at = 0
    while found := move_items.run():
        looked_at += found
    return looked_at


def code_of(command: Any, who: Any, **inputs: Any) -> str:
    with pytest.raises(CommandRefused) as caught:
        run(command, who, **inputs)
    return caught.value.code
