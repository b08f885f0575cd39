"""Laid over the workflow that it happened under, what fire() let through is let through, and each answer is exact."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.plant.models import RoleAssignment
from apps.workflows.simulate.replay import replay
from tests.workflows.checking.test_graph_and_edges import row
from tests.workflows.simulate.past import WEEK, later
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.kinds import THING
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import TORQUE, Shop, make_shop, published, thing_workflow
from tests.world import run

# What an edge may have besides its place in the graph.
GUARDS: list[dict[str, Any]] = [
    {},
    row("quantity", ">", 2),
    row("quantity", "in", [1, 5]),
    {
        "expression": "quantity < 4.0 || tags.exists(t, t == 'blue')",
        "expression_sentence": {"en": "No.", "de": "Nein."},
    },
    {"inputs": [TORQUE], **row("inputs.torque", ">=", 13)},
    {"inputs": [{**TORQUE, "required": False}], **row("inputs.torque", "not empty")},
    {"at_most": 1},
    {"at_most": 2},
    {"skills": ["welding"]},
    {"roles": ["operator", "line_lead"]},
    {"roles": ["line_lead"]},
]
EDGES = ["start", "pause", "resume", "complete", "hold", "cancel"]
ACTS = st.tuples(
    st.integers(0, 2), st.sampled_from([*EDGES, "release"]), st.sampled_from(["olga", "lena"]), st.integers(12, 14)
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.dictionaries(st.sampled_from(EDGES), st.sampled_from(GUARDS), max_size=5),
    quantities=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    acts=st.lists(ACTS, min_size=4, max_size=25),
)
def test_what_was_let_through_is_let_through_again(world, drawn, quantities, acts):
    definition = thing_workflow(**drawn)
    version = published(definition)
    shop = Shop(version, world.olga, world.lena, world.olaf, world.site_id)
    things = [shop.thing(name="blue thing", quantity=quantity) for quantity in quantities]
    let_through = len(things)
    for number, edge, who, torque in acts:
        later()
        given_ = {"torque": torque} if any(i["name"] == "torque" for i in drawn.get(edge, {}).get("inputs", [])) else {}
        if edge in ("pause", "release"):
            given_["reason"] = "lunch"
        try:
            run(move_thing, getattr(shop, who), thing_id=things[number].pk, edge=edge, inputs=given_)
        except CommandRefused:
            continue
        let_through += 1
    Thing.objects.filter(pk__in=[thing.pk for thing in things]).update(quantity=99)
    later()
    RoleAssignment.objects.update(valid_until=clock.now())
    draft = replay(THING, definition, {version.pk: definition}, version, WEEK).draft
    RoleAssignment.objects.update(valid_until=None)
    assert (draft.moves, draft.stops) == (let_through, [])
    assert (draft.exact, draft.estimated, draft.impossible) == (let_through, 0, 0)


@pytest.fixture
def world() -> Shop:
    clock.move_to(clock.now(), rate=0)
    return make_shop()
