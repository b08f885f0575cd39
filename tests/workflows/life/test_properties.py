"""Any plan that may be published, over any items: none is lost, no status moves where the kind forbids it, and the
ledger and the history tell each move once.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.workflows.commands import submit_for_review
from apps.workflows.events import ItemMovedToVersion, StateChanged
from apps.workflows.life.commands import move_some
from apps.workflows.life.planning import DecisionSpec, LineSpec
from apps.workflows.models import Course, MoveLine, Policy
from apps.workflows.tasks import WORKER
from tests.workflows.life.people import make_office
from tests.workflows.life.test_moving import ALL, renamed, safe
from tests.workflows.testapp.kinds import THING
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import ledger, run

WAYS = ("waiting", "ready", "running", "held", "completed")
TARGETS = ("set_out", "running", "paused", "held", "completed", "cancelled", "sky")

courses = st.one_of(
    st.just((Course.STAY, "")),
    st.just((Course.DECIDE, "")),
    st.sampled_from(TARGETS).map(lambda target: (Course.MOVE, target)),
)
STRAIGHT = {code: (Course.MOVE, "set_out" if code == "ready" else code) for code in ALL}
# Some lines otherwise; now and then with gaps.
otherwise = st.dictionaries(st.sampled_from(ALL), courses, max_size=3)
plans = st.one_of(otherwise.map(lambda lines: STRAIGHT | lines), otherwise)


class Undone(Exception):
    pass


@pytest.mark.django_db
@settings(max_examples=40, deadline=None)
@given(
    policy=st.sampled_from([Policy.SAFE, Policy.PLAN]),
    plan=plans,
    safe_states=st.sets(st.sampled_from(ALL)),
    items=st.lists(st.tuples(st.sampled_from(WAYS), st.booleans()), min_size=1, max_size=6),
    choices=st.lists(st.sampled_from(["", *TARGETS]), min_size=6, max_size=6),
)
def test_whatever_is_planned(policy, plan, safe_states, items, choices):
    example = transaction.atomic()
    example._from_testcase = True  # as around each test: commands own their transactions within it
    with pytest.raises(Undone), example:
        _one(policy, plan, safe_states, items, choices)
        raise Undone


def _one(policy, plan, safe_states, items, choices) -> None:
    office, shop = make_office(), make_shop(thing_workflow(safe(*safe_states)))
    things = [shop.thing(state) for state, __ in items]
    for thing, (__, is_locked) in zip(things, items, strict=True):
        Thing.objects.filter(pk=thing.pk).update(name="locked" if is_locked else "thing")
    before = {thing.pk: thing for thing in Thing.objects.all()}
    history, moves, changes = (
        Thing.history.count(),
        len(ledger(ItemMovedToVersion.kind)),
        len(ledger(StateChanged.kind)),
    )

    draft = office.draft(shop.version, thing_workflow(safe(*safe_states), renamed("ready", "set_out")))
    lines = [
        LineSpec(from_version_id=shop.version.pk, from_state=code, course=course, to_state=to_state)
        for code, (course, to_state) in plan.items()
    ]
    decisions = [DecisionSpec(item_id=pk, to_state=to) for pk, to in zip(before, choices, strict=False)]
    office.plan(draft, policy, *lines, decisions=decisions if policy == Policy.PLAN else [])
    try:
        run(submit_for_review, office.pia, version_id=draft.pk)
    except CommandRefused as refusal:
        refused_as = refusal.code
    else:
        refused_as = ""
    if refused_as:
        assert refused_as in {"plan_incomplete", "undecided"}
        assert set(Thing.objects.values_list("workflow_version", flat=True)) == {shop.version.pk}
        return
    version = office.publish_reviewed(draft)
    while move_some(WORKER, uuid4(), version_id=version.pk):
        pass

    moved = [thing for thing in Thing.objects.all() if thing.workflow_version_id == version.pk]
    assert Thing.objects.count() == len(before)
    agreed = dict(MoveLine.objects.filter(version=version).values_list("from_state", "to_state"))
    for thing in Thing.objects.all():
        old = before[thing.pk]
        if thing not in moved:
            assert (thing.state, thing.status) == (old.state, old.status)
            continue
        assert thing.state == (agreed[old.state] or dict(zip(before, choices, strict=False))[thing.pk])
        assert version.states.get(code=thing.state).status == thing.status
        assert THING.allows(old.status, thing.status)
        assert not (old.status != thing.status and old.status == "held")
        assert not (old.name == "locked" and thing.status == "running" != old.status)
        if policy == Policy.SAFE:
            assert thing.status == old.status
            assert old.state in safe_states
    told = ledger(ItemMovedToVersion.kind)[moves:]
    assert sorted(event.subject_id for event in told) == sorted(str(thing.pk) for thing in moved)
    assert Thing.history.count() == history + len(moved)
    assert len(ledger(StateChanged.kind)) == changes + sum(before[thing.pk].status != thing.status for thing in moved)
