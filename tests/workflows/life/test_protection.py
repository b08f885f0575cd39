"""Below Python: an item changes its version only along a published plan, and only while that path is armed."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import clock
from apps.workflows.commands import submit_for_review
from apps.workflows.life.planning import DecisionSpec, LineSpec
from apps.workflows.models import Course, MoveDecision, MoveLine, MovePlan, Policy, Version
from tests.workflows.life.people import make_office
from tests.workflows.life.test_moving import stay, straight
from tests.workflows.test_protection import execute
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop, published, thing_workflow
from tests.world import run

pytestmark = pytest.mark.django_db

SET = "UPDATE testapp_thing SET workflow_version_id = %s, state = %s, status = %s WHERE id = %s"


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def office():
    return make_office()


@contextmanager
def armed(version: Version):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mfgos.move', %s, true)", [f"testapp_thing:{version.pk}"])
        yield cursor


def planned(shop, office, *lines: LineSpec) -> Version:
    return office.next(shop.version, Policy.PLAN, *lines)


def test_not_armed(shop, office):
    thing = shop.thing()
    version = planned(shop, office, *straight(shop.version))
    for sql, values in (
        (SET, [version.pk, "ready", "ready", thing.pk]),
        ("UPDATE testapp_thing SET workflow_version_id = %s WHERE id = %s", [version.pk, thing.pk]),
    ):
        with pytest.raises(IntegrityError, match="stays on its workflow version"):
            execute(sql, *values)
    with pytest.raises(IntegrityError, match="stays on its"), transaction.atomic():
        Thing.objects.filter(pk=thing.pk).update(workflow_version=version)


def test_armed_for_a_move_along_an_edge_is_not_armed_for_a_version(shop, office):
    thing = shop.thing()
    version = planned(shop, office, *straight(shop.version))
    with pytest.raises(IntegrityError, match="stays on its"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mfgos.fire', %s, true)", [f"testapp_thing:{thing.pk}:ready:ready"])
        cursor.execute(SET, [version.pk, "ready", "ready", thing.pk])


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running", "running"),  # the plan says ready
        ("ready", "running"),  # not the status of that state
        ("sky", "ready"),  # no such state
    ],
)
def test_armed_it_goes_only_where_the_plan_says(shop, office, state, status):
    thing = shop.thing()
    version = planned(shop, office, *straight(shop.version))
    with pytest.raises(IntegrityError, match="no published plan moves"), armed(version) as cursor:
        cursor.execute(SET, [version.pk, state, status, thing.pk])


def test_armed_along_the_plan(shop, office):
    thing = shop.thing()
    version = planned(shop, office, *straight(shop.version))
    with armed(version) as cursor:
        cursor.execute(SET, [version.pk, "ready", "ready", thing.pk])
    assert Thing.objects.get(pk=thing.pk).workflow_version == version


def test_what_stays_or_is_not_decided_stays(shop, office):
    stays, goes, kept = shop.thing("running"), shop.thing("held"), shop.thing("held")
    draft = office.draft(shop.version)
    lines = [
        *straight(shop.version, "running", "held"),
        *stay(shop.version, "running"),
        LineSpec(from_version_id=shop.version.pk, from_state="held", course=Course.DECIDE),
    ]
    decisions = [DecisionSpec(item_id=goes.pk, to_state="held"), DecisionSpec(item_id=kept.pk)]
    office.plan(draft, Policy.PLAN, *lines, decisions=decisions)
    version, late = office.publish(draft), shop.thing("held")
    for thing in (stays, kept, late):
        with pytest.raises(IntegrityError, match="no published plan"), armed(version) as cursor:
            cursor.execute(SET, [version.pk, thing.state, thing.status, thing.pk])
    with armed(version) as cursor:
        cursor.execute(SET, [version.pk, "held", "held", goes.pk])


def test_not_to_a_draft_not_to_another_workflow_not_without_a_plan(shop, office):
    thing = shop.thing()
    other = published(thing_workflow(lambda content: content.update(code="other", applies_to=[{"customer": "ACME"}])))
    plain = office.publish(office.draft(shop.version))
    draft = office.draft(shop.version)
    office.plan(draft, Policy.PLAN, *straight(shop.version))
    for version in (other, plain, draft):
        with pytest.raises(IntegrityError, match="no published plan moves"), armed(version) as cursor:
            cursor.execute(SET, [version.pk, "ready", "ready", thing.pk])


def test_a_plan_is_fixed_from_review_on(shop, office):
    draft = office.draft(shop.version)
    office.plan(draft, Policy.PLAN, *straight(shop.version))
    run(submit_for_review, office.pia, version_id=draft.pk)
    line = draft.move_lines.first()
    for change in (
        lambda: MoveLine.objects.filter(pk=line.pk).update(course=Course.STAY, to_state=""),
        lambda: MoveLine.objects.filter(pk=line.pk).delete(),
        lambda: MoveLine.objects.create(
            version=draft, from_version=shop.version, from_state="closed", course=Course.STAY
        ),
        lambda: MovePlan.objects.filter(version=draft).update(policy=Policy.PIN),
        lambda: MoveDecision.objects.create(version=draft, item_id=1, decided_at=clock.now()),
    ):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            change()


def test_a_late_decision_is_not_taken_by_who_wrote_the_version(shop, office):
    version = planned(shop, office, *straight(shop.version))
    for who in (office.pia.pk, None):
        with pytest.raises(IntegrityError, match="not decided by who wrote"), transaction.atomic():
            MoveDecision.objects.create(version=version, item_id=1, decided_by_id=who, decided_at=clock.now())
    decision = MoveDecision.objects.create(
        version=version, item_id=1, decided_by_id=office.paul.pk, decided_at=clock.now()
    )
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        MoveDecision.objects.filter(pk=decision.pk).update(to_state="ready")


@pytest.mark.parametrize("checksum", ["formerly published", "new"])
def test_ones_own_version_goes_into_force_only_as_the_way_back(shop, office, checksum):
    version = Version.objects.create(
        workflow=shop.version.workflow,
        number=9,
        author_id=office.pia.pk,
        created_at=clock.now(),
        checksum=shop.version.checksum if checksum == "formerly published" else "0" * 64,
    )
    rows = Version.objects.filter(pk=version.pk)
    rows.update(status="in_review")
    own = {"status": "published", "approver_id": office.pia.pk, "published_at": clock.now()}
    if checksum == "new":
        with pytest.raises(IntegrityError, match="is new: it is not approved by who wrote it"), transaction.atomic():
            rows.update(**own, effective_from=clock.now())
    else:
        assert rows.update(**own, effective_from=clock.now()) == 1
