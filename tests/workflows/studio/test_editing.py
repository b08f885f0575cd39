"""Each edit on its own: what it changes, and what follows it by itself."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.workflows.definition import EdgeSpec, SignatureSpec, StateSpec, WhereSpec
from apps.workflows.rows import dangling
from apps.workflows.studio import editing
from apps.workflows.studio.editing import EdgeKey
from tests.workflows.workshop import thing_workflow


def state(code: str, status: str = "held") -> StateSpec:
    return StateSpec(code=code, labels={"en": code.title()}, status=status)


def edge(code: str, *sources: str, target: str = "running", **more: object) -> EdgeSpec:
    return EdgeSpec(code=code, labels={"en": code}, sources=list(sources), target=target, **more)


def codes(definition):
    return [state.code for state in definition.states]


def edges(definition, source):
    return [edge.code for edge in editing.exits_of(definition, source)]


def one(definition, code):
    return next(edge for edge in definition.edges if edge.code == code)


def test_a_new_state_stands_behind_the_one_it_was_added_to():
    assert codes(editing.add_state(thing_workflow(), state("checked"), "ready"))[:4] == [
        "waiting", "ready", "checked", "running",
    ]  # fmt: skip
    assert codes(editing.add_state(thing_workflow(), state("checked")))[-1] == "checked"


def test_a_renamed_state_keeps_its_edges():
    renamed = editing.put_state(thing_workflow(), "ready", state("released", "ready"))
    assert one(renamed, "start").sources == ["released"]
    assert one(renamed, "hold").sources == ["released", "running", "paused"]
    assert one(renamed, "make_ready").target == "released"
    assert dangling(renamed) == []


def test_two_states_never_have_one_code():
    for edit in (
        lambda d: editing.add_state(d, state("ready")),
        lambda d: editing.put_state(d, "held", state("ready")),
    ):
        with pytest.raises(CommandRefused, match="There is a state ready already"):
            edit(thing_workflow())


def test_what_goes_with_a_state_is_known_before_and_is_what_goes():
    loss = editing.loss_of(thing_workflow(), "paused")
    assert [edge.code for edge in loss.gone] == ["pause", "resume"]
    assert [edge.code for edge in loss.narrowed] == ["hold"]
    left = editing.remove_state(thing_workflow(), "paused")
    assert "paused" not in codes(left)
    assert {edge.code for edge in thing_workflow().edges} - {edge.code for edge in left.edges} == {"pause", "resume"}
    assert one(left, "hold").sources == ["ready", "running"]
    assert dangling(left) == []


def test_states_move_one_place_and_stay_at_the_ends():
    assert codes(editing.move_state(thing_workflow(), "ready", -1))[:2] == ["ready", "waiting"]
    assert codes(editing.move_state(thing_workflow(), "ready", 1))[1:3] == ["running", "ready"]
    assert codes(editing.move_state(thing_workflow(), "waiting", -1)) == codes(thing_workflow())
    assert codes(editing.move_state(thing_workflow(), "cancelled", 1)) == codes(thing_workflow())


def test_exits_move_among_those_of_their_state():
    before = edges(thing_workflow(), "running")
    assert before == ["pause", "complete", "complete_short", "hold"]
    up = editing.move_edge(thing_workflow(), EdgeKey("hold", "running"), -1)
    assert edges(up, "running") == ["pause", "complete", "hold", "complete_short"]
    down = editing.move_edge(thing_workflow(), EdgeKey("pause", "running"), 1)
    assert edges(down, "running") == ["complete", "pause", "complete_short", "hold"]
    assert editing.move_edge(thing_workflow(), EdgeKey("pause", "running"), -1) == thing_workflow()


def test_a_renamed_edge_is_renamed_in_the_signatures_that_name_it():
    signed = thing_workflow(complete={"signature": SignatureSpec(meaning={"en": "x"}, not_same_as=["start"])})
    renamed = editing.put_edge(signed, EdgeKey("start", "ready"), edge("go", "ready"))
    assert one(renamed, "complete").signature.not_same_as == ["go"]
    removed = editing.remove_edge(renamed, EdgeKey("go", "ready"))
    assert one(removed, "complete").signature.not_same_as == []


def test_one_state_has_no_two_exits_of_one_code():
    with pytest.raises(CommandRefused, match="running has an exit hold already"):
        editing.add_edge(thing_workflow(), edge("hold", "running", target="held"))
    with pytest.raises(CommandRefused, match="running has an exit pause already"):
        editing.put_edge(thing_workflow(), EdgeKey("complete", "running"), edge("pause", "running"))
    same_code_elsewhere = editing.add_edge(thing_workflow(), edge("pause", "ready", target="paused"))
    assert dangling(same_code_elsewhere) == []


def test_an_edge_leads_only_to_states_that_are_there():
    with pytest.raises(CommandRefused, match="sky is not there"):
        editing.add_edge(thing_workflow(), edge("fly", "ready", target="sky"))


def test_what_has_been_removed_meanwhile_is_said():
    with pytest.raises(CommandRefused, match="fly is not there any more"):
        editing.remove_edge(thing_workflow(), EdgeKey("fly", "ready"))
    with pytest.raises(CommandRefused, match="sky is not there any more"):
        editing.move_state(thing_workflow(), "sky", 1)


def test_name_and_places():
    changed = editing.put_whole(thing_workflow(), name="Parts", applies_to=[WhereSpec(line="L2")])
    assert (changed.name, changed.applies_to) == ("Parts", [WhereSpec(line="L2")])
    assert changed.checksum != thing_workflow().checksum


def edited(definition, number, chosen, places, ways):
    """One edit by its number, at the places and along the way chosen; a wrong choice is refused."""
    here, there = places
    edits = [
        lambda: editing.remove_state(definition, here),
        lambda: editing.put_state(definition, here, state(f"new_{number}")),
        lambda: editing.add_state(definition, state(f"added_{number}"), here),
        lambda: editing.move_state(definition, here, -1),
        lambda: editing.add_edge(definition, edge("way", here, target=there)),
        lambda: editing.put_edge(definition, ways, edge(ways.code, here, target=there)),
        lambda: editing.remove_edge(definition, ways),
        lambda: editing.move_edge(definition, ways, 1),
    ]
    return edits[chosen]()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_edited_stays_a_graph(data):
    """Any row of edits leaves something that rows can hold; a refused one leaves it as it was."""
    definition = thing_workflow()
    for number in range(data.draw(st.integers(1, 8))):
        place = st.sampled_from(codes(definition) or ["none"])
        keys = [EdgeKey.of(each, source) for each in definition.edges for source in each.sources]
        way = data.draw(st.sampled_from(keys or [EdgeKey("none", "none")]))
        try:
            definition = edited(
                definition, number, data.draw(st.integers(0, 7)), data.draw(st.tuples(place, place)), way
            )
        except CommandRefused:
            continue
        assert dangling(definition) == []
