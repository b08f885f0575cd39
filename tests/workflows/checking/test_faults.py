"""Each thing that can be wrong is found, alone, at its place; and what is shipped is not scolded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apps.andon.kinds import EXCEPTION
from apps.core.commands import Context
from apps.orders.kinds import JOB_ORDER
from apps.workflows import check as checking
from apps.workflows.check import Fault, Problem, check
from apps.workflows.definition import WhereSpec, parse
from apps.workflows.effects import EFFECTS, Choice, EffectParameters, Occasion, effect, parameter
from apps.workflows.life.choosing import Others
from apps.workflows.seeds import FOLDER
from tests.workflows.checking.test_graph_and_edges import (
    WORDS,
    added_edge,
    added_state,
    cel,
    given,
    row,
    state,
    with_gate,
    without_edge,
)
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import thing_workflow

SIGNED = {"signature": {"meaning": {"en": "Checked", "de": "Geprüft"}}}
OTHERS = Others({WhereSpec(customer="ACME"): "For Acme"}, has_default=False, is_default=False)
PLANT = replace(
    WORDS, others=OTHERS, filled=frozenset({"pause"}), sites={"S1": frozenset({"L1"}), "S2": frozenset({"L9"})}
)


def applies(**where: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update(applies_to=[where])


# Fault -> what shows it: changes of the whole, and of edges; and where it is said.
CASES: dict[Fault, tuple[list[Any], dict[str, Any], str]] = {
    Fault.CODE_TWICE: ([added_state("ready", "ready")], {}, "state/ready/code"),
    Fault.UNKNOWN_STATE: ([added_edge("fly", ["ready"], "sky")], {}, "edge/fly/target"),
    Fault.EDGE_TWICE: ([added_edge("start", ["ready"], "held")], {}, "edge/start/sources"),
    Fault.INITIAL_STATES: ([state("ready", kind="initial")], {}, ""),
    Fault.NO_FINAL_STATE: ([state("closed", kind="normal"), state("cancelled", kind="normal")], {}, ""),
    Fault.FINAL_WITH_EXITS: ([state("ready", kind="final")], {}, "state/ready/kind"),
    Fault.UNREACHABLE: ([added_state("orphan", "ready")], {}, "state/orphan"),
    Fault.DEAD_END: ([without_edge("close")], {}, "state/completed"),
    Fault.GATE_BYPASSED: ([with_gate], {}, "state/inspected/kind"),
    Fault.UNKNOWN_STATUS: ([state("running", status="flying")], {}, "state/running/status"),
    Fault.WRONG_STATUS: ([state("running", kind="hold")], {}, "state/running/status"),
    Fault.WRONG_KIND: ([state("held", kind="normal")], {}, "state/held/kind"),
    Fault.WRONG_PHASE: ([state("paused", phase="set_up")], {}, "state/paused/phase"),
    Fault.STATUS_MOVE: ([added_edge("back", ["completed"], "running")], {}, "edge/back/target"),
    Fault.UNKNOWN_ROLE: ([], {"start": {"roles": ["pilot"]}}, "edge/start/roles"),
    Fault.UNKNOWN_SKILL: ([], {"start": {"skills": ["flying"]}}, "edge/start/skills"),
    Fault.UNKNOWN_PURPOSE: ([], {"start": {"reason_purpose": "fun"}}, "edge/start/reason_purpose"),
    Fault.PARTNER_WITHOUT_SKILLS: ([], {"start": {"partner_suffices": True}}, "edge/start/partner_suffices"),
    Fault.NO_PARTNERS: (
        [],
        {"start": {"partner_suffices": True, "skills": ["welding"]}},
        "edge/start/partner_suffices",
    ),
    Fault.NOBODY_MAY: ([], {"start": {"roles": ["visitor"]}}, "edge/start/roles"),
    Fault.HOLD_WITHOUT_ROLE: ([], {"release": {"roles": []}}, "edge/release/roles"),
    Fault.HOLD_WITHOUT_DISPOSITION: ([], {"release": {"reason_required": False}}, "edge/release/inputs"),
    Fault.INPUT_TWICE: ([], {"start": {**given(name="reason"), "reason_required": True}}, "edge/start/inputs"),
    Fault.INPUT_OF_SYSTEM: ([], {"start": given(name="extra")}, "edge/start/inputs"),
    Fault.INPUT_WITHOUT_REASONS: ([], {"start": given(type="choice")}, "edge/start/inputs"),
    Fault.INPUT_BOUNDS: ([], {"start": given(low=3, high=2)}, "edge/start/inputs"),
    Fault.REASONS_EMPTY: (
        [],
        {"start": given(type="choice", reason_purpose="short_completion")},
        "edge/start/inputs",
    ),
    Fault.UNKNOWN_FIELD: ([], {"start": row("speed", ">", 0)}, "edge/start/conditions"),
    Fault.SENSELESS_CONDITION: ([], {"start": row("quantity", ">", "much")}, "edge/start/conditions"),
    Fault.WRONG_EXPRESSION: ([], {"start": cel("quantity >")}, "edge/start/expression"),
    Fault.GUARD_WITHOUT_SENTENCE: ([], {"start": row("quantity", ">", 0, "")}, "edge/start/conditions"),
    Fault.UNKNOWN_EFFECT: ([], {"start": {"effects": [{"code": "sing"}]}}, "edge/start/effects"),
    Fault.EFFECT_OUT_OF_PLACE: ([], {"start": {"effects": [{"code": "mend"}]}}, "edge/start/effects"),
    Fault.EFFECT_PARAMETERS: ([], {"start": {"effects": [{"code": "tell_tale"}]}}, "edge/start/effects"),
    Fault.SIGNATURE_WITHOUT_MEANING: ([], {"start": {"signature": {"meaning": {}}}}, "edge/start/signature"),
    Fault.SIGNATURE_OF_SYSTEM: ([], {"close": SIGNED}, "edge/close/signature"),
    Fault.SIGNATURE_UNKNOWN_EDGE: (
        [],
        {"start": {"signature": {**SIGNED["signature"], "not_same_as": ["sing"]}}},
        "edge/start/signature",
    ),
    Fault.ENDLESS_LOOP: (
        [with_gate, without_edge("complete_short"), added_edge("rework", ["inspected"], "running", "operator")],
        {},
        "edge/rework/at_most",
    ),
    Fault.SAME_LABEL: ([], {"hold": {"labels": {"en": "Start", "de": "Anfangen"}}}, "edge/hold/labels"),
    Fault.AMBIGUOUS: ([added_edge("begin", ["ready"], "running", "operator")], {}, "edge/begin/target"),
    Fault.UNTRANSLATED: ([], {"start": {"labels": {"en": "Start"}}}, "edge/start/labels"),
    Fault.UNKNOWN_SITE: ([applies(site="S7")], {}, ""),
    Fault.UNKNOWN_LINE: ([applies(site="S1", line="L9")], {}, ""),
    Fault.UNKNOWN_VALUE: ([applies(item="NOTHING")], {}, ""),
    Fault.CLAIMED: ([applies(customer="ACME")], {}, ""),
}
WARNINGS = {
    *(Fault.NOBODY_MAY, Fault.REASONS_EMPTY, Fault.ENDLESS_LOOP, Fault.SAME_LABEL, Fault.AMBIGUOUS),
    *(Fault.UNTRANSLATED, Fault.UNKNOWN_VALUE, Fault.PARTNER_WITHOUT_SKILLS, Fault.NO_PARTNERS),
}
# Seen in test_graph_and_edges.py, test_roster.py and below.
ELSEWHERE = {
    *(Fault.UNKNOWN_KIND, Fault.KIND_UNSIGNED, Fault.TOO_FEW_SIGNERS, Fault.SIGNATURE_IMPOSSIBLE, Fault.NO_OWNER),
    *(Fault.ONE_SIGNER, Fault.NO_SIGNER, Fault.NO_ROSTER, Fault.NOT_ROSTERED),
}
KIND = replace(THING, known={"item": lambda codes: frozenset({"P-1"} & set(codes))})


class Tale(EffectParameters):
    role: str = parameter("role", choose=Choice.ROLE)


def tell_tale(context: Context, occasion: Occasion, parameters: Tale) -> None:
    """Never told: only its form is looked at."""


def mend(context: Context, occasion: Occasion, parameters: EffectParameters) -> None:
    """Never done: nothing that runs on the workflow is about a stop of a machine."""


@pytest.fixture(autouse=True)
def an_effect(monkeypatch):
    monkeypatch.delitem(EFFECTS, "tell_tale", raising=False)
    effect("tell_tale", "Tell a tale", Tale)(tell_tale)
    effect("mend", "Mend", EffectParameters, needs={"downtime_id"})(mend)
    yield
    del EFFECTS["tell_tale"], EFFECTS["mend"]


def found(changes: list[Any], edges: dict[str, Any]) -> list[Problem]:
    return check(thing_workflow(*changes, **edges), KIND, PLANT)


def test_every_fault_is_seen_somewhere():
    assert CASES.keys() | ELSEWHERE == set(Fault)
    assert not CASES.keys() & ELSEWHERE


@pytest.mark.parametrize("fault", CASES, ids=str)
def test_a_fault_is_found_at_its_place(fault):
    changes, edges, place = CASES[fault]
    problems = [problem for problem in found(changes, edges) if problem.code == fault]
    assert place in [problem.show for problem in problems]
    assert {problem.severity for problem in problems} == {"warning" if fault in WARNINGS else "error"}
    assert all(problem.sentence.strip() for problem in problems)


def test_every_concern_finds_something():
    """Without it something is missed: so none of them is there for nothing."""
    by_concern = {
        concern: {problem.code for changes, edges, _ in CASES.values() for problem in concern(subject(changes, edges))}
        for concern in checking.CONCERNS
        if concern is not checking.rostered
    }
    for concern, faults in by_concern.items():
        others = set().union(*(told for other, told in by_concern.items() if other is not concern))
        assert faults - others, concern.__name__


def subject(changes: list[Any], edges: dict[str, Any]) -> checking.Subject:
    return checking.Subject(thing_workflow(*changes, **edges), KIND, PLANT)


def test_errors_come_first():
    problems = found([], {"start": {"labels": {"en": "Start"}, "roles": ["pilot"]}})
    assert [problem.is_error for problem in problems] == sorted((p.is_error for p in problems), reverse=True)


def test_what_is_known_is_not_scolded():
    assert found([applies(site="S1", line="L1", item="P-1")], {}) == []
    told = {"effects": [{"code": "tell_tale", "parameters": {"role": "operator"}}]}
    assert found([], {"start": told}) == []
    wrong = {"effects": [{"code": "tell_tale", "parameters": {"role": "pilot"}}]}
    assert [problem.code for problem in found([], {"start": wrong})] == [Fault.EFFECT_PARAMETERS]


def test_what_nobody_signs_is_not_signed():
    unsigned = replace(THING, take=None)
    codes = [problem.code for problem in check(thing_workflow(start=SIGNED), unsigned, PLANT)]
    assert codes == [Fault.KIND_UNSIGNED]


class TestGoingRound:
    def test_with_a_limit_is_fine(self):
        rework = added_edge("rework", ["inspected"], "running", "operator", at_most=3)
        assert found([with_gate, without_edge("complete_short"), rework], {}) == []

    def test_by_pausing_and_resuming_is_no_scandal(self):
        assert found([], {}) == []

    def test_through_a_hold_of_the_checks_own_is_told_with_its_states(self):
        changes = [
            with_gate,
            without_edge("complete_short"),
            added_state("adjust", "held", "hold"),
            added_edge("fails", ["inspected"], "adjust", "operator"),
            added_edge("again", ["adjust"], "ready", "line_lead", reason_required=True),
        ]
        [problem] = found(changes, {})
        assert problem.code == Fault.ENDLESS_LOOP
        assert "“Inspected”, “Adjust”, “Ready” and “Running” can repeat without a limit" in problem.sentence

    def test_between_running_states_is_told(self):
        changes = [
            added_state("checking", "running"),
            added_edge("look", ["running"], "checking", "operator"),
            added_edge("go_on", ["checking"], "running", "operator"),
        ]
        assert [problem.code for problem in found(changes, {})] == [Fault.ENDLESS_LOOP]


@pytest.mark.parametrize("kind", [JOB_ORDER, EXCEPTION], ids=lambda kind: kind.code)
def test_what_is_shipped_is_quiet(kind):
    definition = parse((FOLDER / f"{kind.code}.json").read_bytes())
    roles = {role for edge in definition.edges for role in edge.roles}
    purposes = {given.reason_purpose for edge in definition.edges for given in edge.all_inputs} - {""}
    skills = frozenset(skill for edge in definition.edges for skill in edge.skills)
    words = checking.Words(
        roles={role: {kind.permission.code} for role in roles},
        skills=skills,
        purposes=frozenset(purposes),
        filled=frozenset(purposes),
    )
    assert [str(problem) for problem in check(definition, kind, words)] == []
