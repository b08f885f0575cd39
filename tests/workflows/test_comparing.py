"""What differs between two definitions, told part by part in words."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.workflows.comparing import DiffLine, Mark, compare
from apps.workflows.definition import Definition
from tests.workflows.workshop import BASE, TORQUE, thing_workflow, typed

STATES = [state["code"] for state in BASE["states"]]
EDGES = [edge["code"] for edge in BASE["edges"]]


def changed(*changes, **edges):
    return compare(thing_workflow(), thing_workflow(*changes, **edges))


def only(comparison):
    [change] = comparison.changes
    return change


def fields(change):
    return {field.name: field for field in change.fields}


def signs(field):
    return [f"{line.sign}{line.text}" for line in field.lines]


# ---- any two


def put(part, code, field, value):
    def change(content):
        next(one for one in content[part] if one["code"] == code)[field] = value

    return change


def drop(part, code):
    return lambda content: content.update({part: [one for one in content[part] if one["code"] != code]})


def to_front(part, code):
    return lambda content: content[part].sort(key=lambda one: one["code"] != code)


TEXTS = st.dictionaries(
    st.sampled_from(["en", "de", "fr"]), st.text(st.characters(exclude_categories=["C"]), max_size=6), max_size=2
)
CHANGES = st.one_of(
    st.builds(put, st.just("states"), st.sampled_from(STATES), st.just("labels"), TEXTS),
    st.builds(put, st.just("states"), st.sampled_from(STATES), st.just("is_safe"), st.booleans()),
    st.builds(put, st.just("edges"), st.sampled_from(EDGES), st.just("labels"), TEXTS),
    st.builds(put, st.just("edges"), st.sampled_from(EDGES), st.just("target"), st.sampled_from(STATES)),
    st.builds(
        put,
        st.just("edges"),
        st.sampled_from(EDGES),
        st.just("sources"),
        st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True),
    ),
    st.builds(put, st.just("edges"), st.sampled_from(EDGES), st.just("code"), st.sampled_from(["go", "stop", "start"])),
    st.builds(put, st.just("edges"), st.sampled_from(EDGES), st.just("at_most"), st.sampled_from([None, 1, 3])),
    st.builds(drop, st.just("edges"), st.sampled_from(EDGES)),
    st.builds(to_front, st.just("edges"), st.sampled_from(EDGES)),
    st.builds(to_front, st.just("states"), st.sampled_from(STATES)),
)


def made_of(changes) -> Definition:
    content = copy.deepcopy(BASE)
    for change in changes:
        try:
            change(content)
        except StopIteration:
            continue  # its edge has another code by now
    return Definition.model_validate(content)


@settings(deadline=None)
@given(st.lists(CHANGES, max_size=4))
def test_nothing_differs_from_itself(changes):
    definition = made_of(changes)
    assert not compare(definition, made_of(changes)).changes


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGES, max_size=4), st.lists(CHANGES, max_size=4))
def test_whatever_differs_is_told_and_nothing_else(left, right):
    old, new = made_of(left), made_of(right)
    assert bool(compare(old, new)) == (old != new)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGES, max_size=4), st.lists(CHANGES, max_size=4))
def test_the_counts_lead_from_the_old_one_to_the_new_one(left, right):
    old, new = made_of(left), made_of(right)
    comparison = compare(old, new)
    added, removed = comparison.counts(Mark.ADDED), comparison.counts(Mark.REMOVED)
    assert len(old.states) + added.states - removed.states == len(new.states)
    assert len(old.edges) + added.edges - removed.edges == len(new.edges)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGES, max_size=4), st.lists(CHANGES, max_size=4))
def test_seen_from_the_other_side_what_was_added_is_removed(left, right):
    forward, backward = compare(made_of(left), made_of(right)), compare(made_of(right), made_of(left))
    assert forward.counts(Mark.ADDED) == backward.counts(Mark.REMOVED)
    assert forward.counts(Mark.REMOVED) == backward.counts(Mark.ADDED)


# ---- one thing


def test_a_new_state_and_its_moves_are_added():
    def with_check(content):
        content["states"].append({"code": "check", "labels": {"en": "First piece"}, "status": "running"})
        content["edges"].append({"code": "try", "labels": {"en": "Try"}, "sources": ["ready"], "target": "check"})

    comparison = changed(with_check)
    assert [(change.mark, change.code) for change in comparison.changes] == [("added", "check"), ("added", "try")]
    assert str(comparison.counts(Mark.ADDED)) == "1 state, 1 move"
    assert signs(fields(comparison.states[0])["labels"]) == ["+en: First piece"]


def test_a_removed_move_says_what_it_was():
    change = only(changed(drop("edges", "complete_short")))
    assert (change.mark, change.name) == ("removed", "Complete short")
    assert signs(fields(change)["target"]) == ["-Completed"]


def test_a_new_label_is_a_change_of_the_label():
    change = only(changed(start={"labels": {"en": "Go", "de": "Los"}}))
    assert change.name == "Go"
    assert signs(fields(change)["labels"]) == ["-en: Start", "-de: Start (de)", "+en: Go", "+de: Los"]


def test_another_code_for_the_same_move_is_told_as_such():
    change = only(changed(put("edges", "resume", "code", "go_on")))
    assert (change.mark, change.was, change.code) == ("changed", "resume", "go_on")
    assert fields(change)["code"].replaces == ("resume", "go_on")


def test_another_code_for_the_same_state_changes_none_of_its_moves():
    def renamed(content):
        put("states", "paused", "code", "resting")(content)
        put("edges", "pause", "target", "resting")(content)
        put("edges", "resume", "sources", ["resting"])(content)
        put("edges", "hold", "sources", ["ready", "running", "resting"])(content)

    change = only(changed(renamed))
    assert (change.part, change.was, change.code) == ("state", "paused", "resting")


def test_the_guard_is_compared_line_by_line():
    rows = [
        {"field": "quantity", "operator": ">", "value": 0, "sentence": {"en": "Nothing is there."}},
        {"field": "name", "operator": "=", "value": "pump", "sentence": {"en": "Pumps only."}},
    ]
    fewer = [{**rows[0], "value": 5}]
    old = thing_workflow(complete={"conditions": rows})
    change = only(compare(old, thing_workflow(complete={"conditions": fewer})))
    assert signs(fields(change)["conditions"]) == [
        "-quantity > 0",
        "+quantity > 5",
        "     en: Nothing is there.",
        '-name = "pump"',
        "-    en: Pumps only.",
    ]


def test_inputs_are_told_with_their_limits():
    change = only(changed(complete={"inputs": [TORQUE, typed("note", "text", required=False)]}))
    assert signs(fields(change)["inputs"]) == [
        "+torque: number, from 12 to 14, Nm, required, “Torque” (en), “Drehmoment” (de)",
        "+note: text, may stay empty, “Note” (en), “note” (de)",
    ]


def test_what_is_signed_and_what_follows_is_told():
    signature = {"meaning": {"en": "I have looked."}, "signers": 2, "not_same_as": ["start"]}
    effects = [{"code": "notify", "parameters": {"role": "lead"}}]
    told = fields(only(changed(complete={"signature": signature, "effects": effects})))
    assert signs(told["signature"]) == [
        "+en: I have looked.",
        "+signers: 2",
        "+not who did: start",
        "+badge and PIN again",
    ]
    assert '+    role = "lead"' in signs(told["effects"])


def test_only_what_was_moved_has_another_place():
    change = only(changed(to_front("edges", "complete")))
    assert change.code == "complete"
    assert fields(change)["order"].replaces == ("after “Resume”", "first")


def test_another_way_into_a_move_is_told_by_the_names_of_states():
    change = only(changed(start={"sources": ["ready", "paused"]}))
    assert fields(change)["sources"].lines == (DiffLine(" ", "Ready"), DiffLine("+", "Paused"))


@pytest.mark.parametrize(
    "change", [{"name": "Other things"}, {"applies_to": [{"line": "L2"}]}], ids=["name", "what it is for"]
)
def test_the_whole_has_changes_of_its_own(change):
    told = only(changed(lambda content: content.update(change)))
    assert told.part == "workflow"
    assert [field.name for field in told.fields] == list(change)


def test_two_moves_of_one_code_are_two():
    def second(content):
        content["edges"].append(
            {"code": "release", "labels": {"en": "Release"}, "sources": ["completed"], "target": "closed"}
        )

    change = only(changed(second))
    assert (change.mark, change.key, change.code) == ("added", "release 2", "release")
