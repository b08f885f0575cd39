"""Items under way when a version is published: they stay, move in safe states, or move by a plan. None is lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.workflows.commands import publish, retire, return_to_draft, submit_for_review
from apps.workflows.events import ItemMovedToVersion, StateChanged
from apps.workflows.life.commands import decide_item, move_some, plan_moves, roll_back
from apps.workflows.life.planning import DecisionSpec, LineSpec
from apps.workflows.models import Course, Policy, Rollout, Version
from apps.workflows.tasks import WORKER, take_effect_when_due
from tests.workflows.life.people import code_of, make_office, work
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM, make_shop, move, refused, thing_workflow
from tests.world import ledger, run

pytestmark = pytest.mark.django_db


def safe(*codes: str):
    def change(content):
        for state in content["states"]:
            state["is_safe"] = state["code"] in codes

    return change


def renamed(old: str, new: str):
    """The state has another code, and stays what it is."""

    def change(content):
        next(state for state in content["states"] if state["code"] == old)["code"] = new
        for edge in content["edges"]:
            edge["sources"] = [new if code == old else code for code in edge["sources"]]
            edge["target"] = new if edge["target"] == old else edge["target"]

    return change


def stay(version: Version, *states: str) -> list[LineSpec]:
    return [LineSpec(from_version_id=version.pk, from_state=code, course=Course.STAY) for code in states]


def go(version: Version, **states: str) -> list[LineSpec]:
    return [
        LineSpec(from_version_id=version.pk, from_state=old, course=Course.MOVE, to_state=new)
        for old, new in states.items()
    ]


ALL = ("waiting", "ready", "running", "paused", "held", "completed")


def straight(version: Version, *but: str, **otherwise: str) -> list[LineSpec]:
    return go(version, **{code: otherwise.get(code, code) for code in ALL if code not in but})


@pytest.fixture
def office(db):
    return make_office()


@pytest.fixture
def shop(db):
    return make_shop(thing_workflow(safe("ready", "completed")))


def at(thing: Thing) -> tuple[int, str, str]:
    found = Thing.objects.select_related("workflow_version").get(pk=thing.pk)
    return found.workflow_version.number, found.state, found.status


def moves_of(thing: Thing):
    return [event for event in ledger(ItemMovedToVersion.kind) if event.subject_id == str(thing.pk)]


# ---- stay


def test_without_a_plan_everything_stays(shop, office):
    things = [shop.thing(state) for state in ("waiting", "ready", "running")]
    office.publish(office.draft(shop.version))
    assert work() == 0
    assert [at(thing)[0] for thing in things] == [1, 1, 1]
    assert at(move(shop.olga, things[1], "start"))[0] == 1


# ---- at safe states


def test_what_sits_in_a_safe_state_moves_at_once_the_others_when_they_come_there(shop, office):
    ready, running, done = shop.thing("ready"), shop.thing("running"), shop.thing("completed")
    move(SYSTEM, done, "close")
    rows = Thing.history.count()
    office.next(shop.version, Policy.SAFE)
    work()
    assert at(ready) == (2, "ready", "ready")
    assert at(running) == (1, "running", "running")
    assert at(done) == (1, "closed", "closed")
    assert Thing.history.count() == rows + 1
    newest = Thing.history.filter(id=ready.pk).latest()
    assert (newest.workflow_version_id, newest.history_change_reason) == (
        Version.objects.get(number=2).pk,
        "to another version",
    )
    moved = move(shop.olga, running, "complete")
    assert at(moved) == (2, "completed", "completed")
    assert Thing.history.filter(id=running.pk).count() == 1 + 3 + 1
    [event] = moves_of(running)
    assert (event.subject_kind, event.thread, event.site_id) == ("thing", f"thing:{running.pk}", shop.site_id)
    assert event.data == {
        "item_kind": "thing",
        "from_version_id": shop.version.pk,
        "to_version_id": moved.workflow_version_id,
        "from_state": "completed",
        "to_state": "completed",
        "policy": "safe",
    }


def test_a_renamed_state_is_named_by_the_plan(shop, office):
    ready, running = shop.thing("ready"), shop.thing("running")
    office.next(
        shop.version,
        Policy.SAFE,
        *go(shop.version, ready="set_out"),
        definition=thing_workflow(safe("ready", "completed"), renamed("ready", "set_out")),
    )
    work()
    assert at(ready) == (2, "set_out", "ready")
    assert at(move(shop.olga, running, "hold")) == (1, "held", "held")
    assert at(move(shop.lena, running, "release", reason="All right.")) == (2, "set_out", "ready")
    assert at(move(shop.olga, ready, "start")) == (2, "running", "running")


def test_safe_means_safe(shop, office):
    draft = office.draft(shop.version)
    office.plan(draft, Policy.SAFE, *go(shop.version, running="running"))
    with pytest.raises(CommandRefused, match="the state is not safe"):
        run(submit_for_review, office.pia, version_id=draft.pk)
    office.plan(draft, Policy.SAFE, *go(shop.version, ready="held"))
    with pytest.raises(CommandRefused, match="only to a state of the same status"):
        run(submit_for_review, office.pia, version_id=draft.pk)


def test_a_draft_returned_from_review_may_lose_states_that_moved_by_themselves(shop, office):
    draft = office.draft(shop.version)
    office.plan(draft, Policy.SAFE)
    run(submit_for_review, office.pia, version_id=draft.pk)
    assert {line.from_state for line in draft.move_lines.all()} == {"ready", "completed"}
    run(return_to_draft, office.pia, version_id=draft.pk)
    assert not draft.move_lines.exists()


# ---- by a plan


def test_a_plan_moves_every_item_once_and_says_so(shop, office):
    things = {state: shop.thing(state) for state in ("waiting", "ready", "running", "held")}
    version = office.next(
        shop.version,
        Policy.PLAN,
        *straight(shop.version, "running", "paused", ready="set_out"),
        *stay(shop.version, "running", "paused"),
        definition=thing_workflow(renamed("ready", "set_out")),
    )
    assert [at(thing)[0] for thing in things.values()] == [1, 1, 1, 1]
    assert work() == 3
    assert {state: at(thing) for state, thing in things.items()} == {
        "waiting": (2, "waiting", "waiting"),
        "ready": (2, "set_out", "ready"),
        "running": (1, "running", "running"),
        "held": (2, "held", "held"),
    }
    assert [len(moves_of(thing)) for thing in things.values()] == [1, 1, 0, 1]
    rollout = Rollout.objects.get(version=version)
    assert (rollout.moved, rollout.moves_ended_at is not None) == (3, True)
    assert work() == 0


def test_a_gap_blocks_the_plan(shop, office):
    shop.thing("held")
    draft = office.draft(shop.version)
    office.plan(draft, Policy.PLAN, *straight(shop.version, "held", "paused"))
    with pytest.raises(CommandRefused, match=r"has 2 gaps.*held: say what becomes"):
        run(submit_for_review, office.pia, version_id=draft.pk)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ready", "sky", "has no such state"),
        ("held", "ready", "a hold is left only by its release"),
        ("completed", "running", "no thing goes from completed to running"),
    ],
)
def test_what_no_plan_may_do(shop, office, old, new, said):
    shop.thing("ready")
    draft = office.draft(shop.version)
    office.plan(draft, Policy.PLAN, *straight(shop.version, **{old: new}))
    with pytest.raises(CommandRefused, match=said):
        run(submit_for_review, office.pia, version_id=draft.pk)


def test_a_change_of_status_is_a_move_that_invariants_judge_and_others_hear_of(shop, office):
    free, locked = shop.thing("ready"), shop.thing("ready", name="locked")
    version = office.next(shop.version, Policy.PLAN, *straight(shop.version, ready="running"))
    work()
    assert at(free) == (2, "running", "running")
    assert at(locked) == (1, "ready", "ready")
    heard = [event for event in ledger(StateChanged.kind) if event.subject_id == str(free.pk)][-1]
    assert (heard.data["edge"], heard.data["from_status"], heard.data["to_status"]) == ("", "ready", "running")
    assert len(moves_of(free)) == 1
    assert moves_of(locked) == []
    assert Rollout.objects.get(version=version).moved == 1


def test_decide_each(shop, office):
    goes, stays, late, mine = (shop.thing("running") for _ in range(4))
    draft = office.draft(shop.version)
    lines = [
        *straight(shop.version, "running"),
        LineSpec(from_version_id=shop.version.pk, from_state="running", course=Course.DECIDE),
    ]
    decisions = [DecisionSpec(item_id=goes.pk, to_state="running"), DecisionSpec(item_id=stays.pk)]
    office.plan(draft, Policy.PLAN, *lines, decisions=decisions)
    assert code_of(submit_for_review, office.pia, version_id=draft.pk) == "undecided"
    decisions += [DecisionSpec(item_id=late.pk, to_state="paused"), DecisionSpec(item_id=mine.pk)]
    office.plan(draft, Policy.PLAN, *lines, decisions=decisions)
    version = office.publish(draft)
    work()
    assert [at(thing)[:2] for thing in (goes, stays, late)] == [(2, "running"), (1, "running"), (2, "paused")]

    after = Thing.objects.create(workflow_version=shop.version, site_id=shop.site_id)
    move(SYSTEM, after, "make_ready")
    ask = {"version_id": version.pk, "item_id": after.pk}
    assert code_of(decide_item, office.paul, **ask, to_state="running") == "nothing_to_decide"
    move(shop.olga, after, "start")
    assert code_of(decide_item, office.pia, **ask, to_state="running") == "own_work"
    assert code_of(decide_item, office.paul, **ask, to_state="closed") == "no_such_move"
    run(decide_item, office.paul, **ask, to_state="running")
    assert at(after) == (2, "running", "running")
    assert code_of(decide_item, office.paul, **ask) == "nothing_to_decide"


def test_who_plans_does_not_approve(shop, office):
    draft = office.draft(shop.version)
    run(plan_moves, office.paul, version_id=draft.pk, policy=Policy.SAFE)
    run(submit_for_review, office.pia, version_id=draft.pk)
    assert code_of(publish, office.paul, version_id=draft.pk, note="Mine is only the plan.") == "own_work"


def test_the_plan_is_fixed_in_review(shop, office):
    draft = office.draft(shop.version)
    run(submit_for_review, office.pia, version_id=draft.pk)
    assert code_of(plan_moves, office.pia, version_id=draft.pk, policy=Policy.SAFE) == "wrong_status"


# ---- many, interrupted, in a chain


def test_what_was_begun_goes_on_and_nothing_is_done_twice(shop, office, monkeypatch):
    monkeypatch.setattr("apps.workflows.life.commands.BATCH", 4)
    things = [shop.thing("waiting") for _ in range(10)]
    version = office.next(shop.version, Policy.PLAN, *straight(shop.version))
    once = uuid4()
    assert move_some(WORKER, once, version_id=version.pk) == 4
    assert move_some(WORKER, once, version_id=version.pk) == 4
    assert sum(at(thing)[0] == 2 for thing in things) == 4
    assert work() == 6
    assert [at(thing)[0] for thing in things] == [2] * 10
    assert [len(moves_of(thing)) for thing in things] == [1] * 10


def test_the_number_of_queries_does_not_grow_with_that_of_items(shop, office, settings):
    settings.CLOCK = "real"  # the shared clock is read from the database now and then

    def counted(many: int) -> int:
        older = Version.objects.filter(status="published").latest("number")
        for _ in range(many):
            Thing.objects.create(workflow_version=older, site_id=shop.site_id)
        version = office.next(
            older, Policy.PLAN, *straight(older), *(straight(shop.version) if older.number > 1 else [])
        )
        with CaptureQueriesContext(connection) as queries:
            move_some(WORKER, uuid4(), version_id=version.pk)
        assert Thing.objects.filter(workflow_version=version).count() >= many
        return len(queries)

    few, many = counted(3), counted(30)
    assert many <= few


def test_stragglers_of_several_versions_end_on_the_newest(shop, office):
    first = shop.thing("running")
    second_version = office.next(shop.version, Policy.SAFE)
    second = Thing.objects.create(workflow_version=second_version, site_id=shop.site_id)
    move(SYSTEM, second, "make_ready")
    move(shop.olga, second, "start")
    office.next(second_version, Policy.SAFE)
    work()
    assert [at(first)[0], at(second)[0]] == [1, 2]
    assert at(move(shop.olga, first, "complete"))[0] == 3
    assert at(move(shop.olga, second, "complete"))[0] == 3
    for older in (shop.version, second_version):
        run(retire, office.paul, version_id=older.pk)


def test_nothing_moves_to_a_version_that_is_not_in_force_any_more(shop, office):
    ready = shop.thing("running")
    second = office.next(shop.version, Policy.SAFE)
    office.publish(office.draft(shop.version))
    assert at(move(shop.olga, ready, "complete"))[0] == 1
    assert Rollout.objects.get(version=second).moved == 0


# ---- at its hour


def test_a_version_from_tomorrow_moves_nothing_today(shop, office):
    ready = shop.thing("ready")
    version = office.next(shop.version, Policy.SAFE, effective_from=clock.now() + timedelta(hours=3))
    assert work() == 0
    assert at(move(shop.olga, ready, "hold"))[0] == 1
    assert at(move(shop.lena, ready, "release", reason="x"))[0] == 1
    clock.move_to(clock.now() + timedelta(hours=4))
    assert take_effect_when_due.run() == 1
    assert take_effect_when_due.run() == 0
    assert work() == 1
    assert at(ready)[0] == 2
    assert Rollout.objects.get(version=version).took_effect_at is not None


# ---- the way back


def test_rolled_back_by_one_person_at_once_with_the_items(shop, office):
    bad = office.next(
        shop.version,
        Policy.PLAN,
        *straight(shop.version, ready="set_out"),
        definition=thing_workflow(renamed("ready", "set_out")),
    )
    ready, running = shop.thing("ready"), shop.thing("running")
    work()
    assert at(ready) == (2, "set_out", "ready")
    assert code_of(roll_back, office.paul, version_id=shop.version.pk, reason=" ") == "note_missing"
    assert code_of(roll_back, shop.lena, version_id=shop.version.pk, reason="x") == "not_allowed"
    back = Version.objects.get(
        pk=run(
            roll_back,
            office.pia,
            version_id=shop.version.pk,
            reason="Nobody finds the button.",
            renamed={"set_out": "ready"},
        )
    )
    assert (back.number, back.status, back.checksum) == (3, "published", shop.version.checksum)
    assert (back.author_id, back.approver_id, back.note) == (office.pia.pk, office.pia.pk, "Nobody finds the button.")
    work()
    assert at(ready) == (3, "ready", "ready")
    assert at(running)[0] == 3
    assert not Thing.objects.filter(workflow_version=bad).exists()


def test_only_what_was_published_is_a_way_back(shop, office):
    draft = office.draft(shop.version, thing_workflow(start={"roles": []}))
    assert code_of(roll_back, office.paul, version_id=draft.pk, reason="Nicer.") == "wrong_status"


def test_a_move_is_refused_like_any_other_step_that_the_new_version_lacks(shop, office):
    thing = shop.thing("ready")
    office.next(shop.version, Policy.SAFE, definition=thing_workflow(safe("ready"), start={"roles": ["line_lead"]}))
    work()
    assert refused(shop.olga, thing, "start").code == "wrong_role"
