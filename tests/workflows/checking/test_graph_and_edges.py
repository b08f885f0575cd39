"""The check before a publication: each fault alone, named with its place; and the limit on its time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from apps.workflows import guard_limits, guards
from apps.workflows.check import Fault, Words, check, errors_in
from apps.workflows.definition import Definition, parse
from apps.workflows.seeds import FOLDER
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import _edge, _state, thing_workflow

WORDS = Words(
    roles={"operator": {"testapp.run_thing"}, "line_lead": {"testapp.run_thing"}, "visitor": set(), "system": set()},
    skills=frozenset({"welding"}),
    purposes=frozenset({"pause", "short_completion"}),
)


def errors(*changes, **edges) -> list[str]:
    return [str(problem) for problem in errors_in(check(thing_workflow(*changes, **edges), THING, WORDS))]


def state(code: str, **otherwise: Any):
    return lambda content: next(s for s in content["states"] if s["code"] == code).update(otherwise)


def added_state(*args: Any):
    return lambda content: content["states"].append(_state(*args))


def added_edge(*args: Any, **more: Any):
    return lambda content: content["edges"].append(_edge(*args, **more))


def without_edge(*codes: str):
    def change(content):
        content["edges"] = [edge for edge in content["edges"] if edge["code"] not in codes]

    return change


def test_the_base_is_clean():
    assert check(thing_workflow(), THING, WORDS) == []


def test_unknown_kind():
    [problem] = check(thing_workflow(), None, WORDS)
    assert "thing is no known kind" in problem.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (state("ready", kind="initial"), "workflow: exactly one initial state is needed; found: 2."),
        (state("waiting", kind="normal"), "workflow: exactly one initial state is needed; found: 0."),
        (state("closed", kind="normal"), "state closed: status closed makes it a state of kind final."),
        (state("held", kind="normal"), "state held: status held makes it a state of kind hold."),
        (state("ready", kind="final"), "state ready: a final state has no exits."),
        (state("running", kind="hold"), "state running: a state of kind hold has one of the statuses: held."),
        (state("running", status="flying"), "state running: flying is no status"),
        (
            state("ready", kind="initial", status="ready"),
            "state ready: a state of kind initial has one of the statuses",
        ),
        (added_state("orphan", "ready"), "state orphan: nothing leads here."),
        (added_state("ready", "ready"), "state ready: the code is used twice."),
        (without_edge("close"), "state completed: a dead end: no way leads from here to a final state."),
        (added_edge("fly", ["ready"], "sky"), "edge fly: state sky is not there."),
        (added_edge("start", ["ready"], "held"), "edge start: it leaves ready twice: which one is meant?"),
        (added_edge("back", ["completed"], "running"), "edge back: no thing goes from completed to running."),
        (added_edge("jump", ["waiting"], "running"), "edge jump: no thing goes from waiting to running."),
        (
            added_edge("let_go", ["held"], "paused", reason_required=True),
            "edge let_go: it leaves a hold, so it names who",
        ),
        (
            added_edge("let_go", ["held"], "paused", "operator"),
            "edge let_go: it leaves a hold, so it asks for a reason",
        ),
    ],
)
def test_graph(change, said):
    assert any(error.startswith(said) for error in errors(change)), errors(change)


def given(**more: Any) -> dict[str, Any]:
    base = {"name": "torque", "type": "number", "labels": {"en": "Torque", "de": "Drehmoment"}}
    return {"inputs": [{**base, **more}]}


def row(field: str, operator: str, value: Any = None, sentence: str = "No.") -> dict[str, Any]:
    texts = {"en": sentence, "de": sentence}
    return {"conditions": [{"field": field, "operator": operator, "value": value, "sentence": texts}]}


def cel(expression: str, sentence: str = "No.") -> dict[str, Any]:
    return {"expression": expression, "expression_sentence": {"en": sentence, "de": sentence}}


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [
        ({"roles": ["pilot"]}, "there is no role pilot."),
        ({"skills": ["flying"]}, "there is no skill flying."),
        ({"reason_purpose": "fun"}, "there are no reasons for fun."),
        ({"effects": [{"code": "sing"}]}, "there is no effect sing;"),
        ({"signature": {"meaning": {}}}, "a signature says what it means."),
        ({"signature": {"meaning": {"en": "x"}, "not_same_as": ["sing"]}}, "there is no edge sing"),
        ({"signature": {"meaning": {"en": "x"}}, "roles": ["system"]}, "the system itself takes it, and signs"),
        (given(type="choice"), "input torque is chosen from reasons"),
        (given(low=3, high=2), "input torque can never be right"),
        (given(name="extra"), "input extra is the system's own."),
        ({**given(name="reason"), "reason_required": True}, "input reason is there twice."),
        (row("speed", ">", 0), "speed is no field to ask for."),
        (row("inputs.torque", ">", 0), "inputs.torque is no field to ask for."),
        (row("quantity", ">", "much"), "quantity > much makes no sense."),
        (row("quantity", "in", 3), "quantity in 3 makes no sense."),
        (row("is_locked", "<", True), "is_locked < True makes no sense."),
        (row("is_locked", "=", 1), "is_locked = 1 makes no sense."),
        (row("quantity", ">", 0, ""), "a condition says in a sentence why it refuses."),
        (cel("quantity > 0.0", ""), "the expression says in a sentence why it refuses."),
        (cel("quantity >"), "the expression: Failed to parse"),
        (cel("quantity + 1.0"), "the expression: it fails on sample values: the answer is float"),
        (cel("quantity + 1 > 2"), "the expression: it fails on sample values: TypeError"),
        (cel("speed > 0.0"), "the expression: speed is no declared field."),
        (cel("inputs.torque > 0.0"), "the expression: inputs.torque is no declared field."),
        (cel("tags[0] == 'a'"), "the expression: it fails on sample values"),
    ],
)
def test_edge(otherwise, said):
    found = errors(start=otherwise)
    assert any(error.startswith(f"edge start: {said}") for error in found), found


@pytest.mark.parametrize(
    "otherwise",
    [
        {"roles": []},
        {**given(low=0), **row("inputs.torque", "<=", 14)},
        row("name", "in", ["a", "b"]),
        row("tags", "not empty"),
        cel("tags.all(t, size(t) < 10) && quantity * 2.0 >= 0.0 && (is_locked || name.startsWith('a') || true)"),
        {**given(required=False), **cel("inputs.torque == null || inputs.torque < 14.0")},
    ],
)
def test_edge_that_is_right(otherwise):
    assert errors(start=otherwise) == []


def with_gate(content):
    """waiting -> ready -> running -> inspected (gate) -> completed: the short way round it stays."""
    content["states"].append(_state("inspected", "running", "gate"))
    edge = next(edge for edge in content["edges"] if edge["code"] == "complete")
    edge["sources"] = ["inspected"]
    content["edges"].append(_edge("inspect", ["running"], "inspected"))


def test_gate_that_can_be_bypassed():
    assert errors(with_gate) == ["state inspected: the gate can be bypassed on the way to closed."]


def test_gate_on_every_way_to_done_may_be_left_by_giving_up():
    assert errors(with_gate, without_edge("complete_short")) == []


def test_missing_translations_are_warnings():
    problems = check(thing_workflow(start={"labels": {"en": "Start"}}), THING, WORDS)
    [problem] = problems
    assert (problem.code, problem.severity, problem.show) == (Fault.UNTRANSLATED, "warning", "edge/start/labels")
    assert str(problem) == "edge start: “Start” lacks: de."


def test_an_edge_that_nobody_can_take_is_a_warning():
    [problem] = check(thing_workflow(start={"roles": ["visitor"]}), THING, WORDS)
    assert str(problem) == "edge start: nobody can take it: none of its roles may run things."
    assert check(thing_workflow(start={"roles": ["visitor", "operator"]}), THING, WORDS) == []


def test_a_partner_who_can_be_of_no_use_is_a_warning():
    definition = thing_workflow(
        start={"partner_suffices": True}, resume={"partner_suffices": True, "skills": ["welding"]}
    )
    found = {(problem.code, problem.show) for problem in check(definition, THING, WORDS)}
    assert found == {
        (Fault.PARTNER_WITHOUT_SKILLS, "edge/start/partner_suffices"),
        (Fault.NO_PARTNERS, "edge/start/partner_suffices"),
        (Fault.NO_PARTNERS, "edge/resume/partner_suffices"),
    }
    assert not errors_in(check(definition, THING, WORDS))
    assert check(definition, replace(THING, partners=lambda *_: ()), WORDS)[0].code == Fault.PARTNER_WITHOUT_SKILLS


def test_a_workflow_without_partners_keeps_its_checksum():
    assert "partner_suffices" not in thing_workflow().to_json()


def test_every_problem_at_once():
    assert len(errors(added_state("orphan", "ready"), start={"roles": ["pilot"], "skills": ["flying"]})) == 4


def test_shipped_files_parse():
    files = sorted(FOLDER.glob("*.json"))
    assert files
    for file in files:
        parse(file.read_bytes())


def test_takes_at_most_50_ms():
    """200 states and 1,000 edges, each with a condition and every tenth with an expression that is compiled anew.

    Time of this process alone, the best of ten: the machine is shared.
    """
    states = [_state(f"s{n}", "running") for n in range(200)]
    states[0] |= {"kind": "initial", "status": "waiting"}
    states[199] |= {"kind": "final", "status": "closed"}
    edges = []
    for n in range(1000):
        guard = row("quantity", ">", 0) | (cel(f"quantity > {n}.0") if n % 10 == 0 else {})
        edges.append(_edge(f"e{n}", [f"s{n % 199}"], f"s{(n * 7 + 1) % 200}", "operator", **guard))
    definition = Definition.model_validate(
        {"kind": "thing", "code": "big", "name": "Big", "states": states, "edges": edges}
    )
    times = []
    for _ in range(10):
        for cached in (guards.compiled, guards.names_in, guard_limits._parts, guard_limits._shape):
            cached.cache_clear()
        begun = time.process_time()
        found = check(definition, THING, WORDS)
        times.append((time.process_time() - begun) * 1e3)
    assert len(errors_in(found)) > 10  # it has looked
    print(f"check: {min(times):.1f} ms for 200 states and 1,000 edges")
    assert min(times) < 50


class TestAPhase:
    """Set-up and run are phases of a running state, and of no other."""

    def test_is_refused_on_a_state_that_is_not_running(self):
        assert errors(state("paused", phase="set_up")) == [
            "state paused: only a running state has a phase; suspended is none."
        ]

    def test_splits_what_is_running(self):
        setting_up = [
            added_state("setting_up", "running"),
            state("setting_up", phase="set_up"),
            added_edge("set_up", ["ready"], "setting_up"),
            added_edge("make_first", ["setting_up"], "running"),
        ]
        assert errors(*setting_up) == []

    def test_that_is_empty_is_not_written_so_that_old_checksums_stay(self):
        definition = thing_workflow()
        content = definition.model_dump(mode="json", exclude={"name"})
        assert all("phase" not in written for written in content["states"])
        assert "phase" not in definition.to_json()
        assert thing_workflow(state("running", phase="run")).checksum != definition.checksum
        assert parse(thing_workflow(state("running", phase="run")).to_json()).states[2].phase == "run"
