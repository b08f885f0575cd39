"""Rules about bells: the smallest event that a rule can follow, and short ways to publish one."""

from __future__ import annotations

from typing import Any

from apps.core.actors import Actor
from apps.core.models import LedgerEvent
from apps.plant.models import Person
from apps.workflows.models import RuleVersion
from apps.workflows.rules.commands import draft_rule, submit_rule_for_review
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.publishing import publish_rule
from tests.workflows.testapp.commands import ring_bell
from tests.workflows.testapp.effects import Rung
from tests.workflows.testapp.models import PlainThing
from tests.world import give_role, ledger, make_person, make_role, run

SYSTEM = Actor.system("tests")
LOUD = {"code": "ring", "parameters": {"text": "alarm", "loudness": 9}}


def spec(code: str = "loud_bells", **otherwise: Any) -> RuleSpec:
    """Whenever a bell rings softly, the alarm rings loudly: what it does is not what it follows."""
    content: dict[str, Any] = {
        "code": code,
        "name": "Loud bells",
        "event": Rung.kind,
        "conditions": [{"field": "event.loudness", "operator": "<", "value": 5}],
        "actions": [LOUD],
    }
    return RuleSpec.model_validate(content | otherwise)


def failing(how: str, **otherwise: Any) -> RuleSpec:
    return spec(actions=[{"code": "fail", "parameters": {"how": how}}], **otherwise)


def publish(content: RuleSpec) -> RuleVersion:
    """As the system: nobody has written it, so nobody else need approve it."""
    version_id = run(draft_rule, SYSTEM, spec=content)
    run(submit_rule_for_review, SYSTEM, version_id=version_id)
    run(publish_rule, SYSTEM, version_id=version_id, note="As agreed.")
    return RuleVersion.objects.select_related("rule").get(pk=version_id)


def engineer(name: str) -> Person:
    person = make_person(name)
    actions = ("workflows.view", "workflows.edit", "workflows.publish", "workflows.stop_rule")
    give_role(person, make_role("engineer", *actions))
    return person


def ring(text: str = "bell", **inputs: Any) -> int:
    """The id of its event; that the fact stands is looked at here, whatever rules do."""
    before = PlainThing.objects.filter(name=f"fact {text}").count()
    event_id: int = run(ring_bell, SYSTEM, text=text, **inputs)
    assert LedgerEvent.objects.filter(pk=event_id, subject_id=text).exists()
    assert PlainThing.objects.filter(name=f"fact {text}").count() == before + 1
    return event_id


def alarms() -> list[LedgerEvent]:
    return [event for event in ledger(Rung.kind) if event.subject_id == "alarm"]
