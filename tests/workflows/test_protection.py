"""Every road past fire() is closed: assignment, create, bulk, update(), raw SQL, django-fsm itself."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django_fsm import TransitionNotAllowed

from apps.workflows.models import Version
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop, move, published, thing_workflow

pytestmark = pytest.mark.django_db

OTHER = {"state": "completed", "status": "completed"}


@pytest.fixture
def shop():
    return make_shop()


def state_of(thing: Thing) -> tuple[str, str]:
    return Thing.objects.values_list("state", "status").get(pk=thing.pk)


# ---- in Python


@pytest.mark.parametrize("name", ["state", "status"])
def test_assignment(shop, name):
    thing = shop.thing()
    with pytest.raises(AttributeError, match="only through"):
        setattr(thing, name, "completed")


@pytest.mark.parametrize("name", ["state", "status"])
def test_assignment_to_a_deferred_field(shop, name):
    thing = Thing.objects.defer(name).get(pk=shop.thing().pk)
    with pytest.raises(AttributeError, match="only through"):
        setattr(thing, name, "completed")
    assert getattr(thing, name) == "ready"


def test_assignment_after_a_refresh(shop):
    thing = shop.thing()
    thing.refresh_from_db()
    assert thing.state == "ready"
    with pytest.raises(AttributeError):
        thing.state = "completed"


def test_refresh_reads_what_another_has_done(shop):
    thing = shop.thing()
    move(shop.olga, thing, "start")
    assert thing.state == "ready"
    thing.refresh_from_db()
    assert (thing.state, thing.status) == ("running", "running")
    thing.refresh_from_db(fields=["state"])


def test_assignment_after_a_failed_refresh(shop):
    thing, other = shop.thing(), shop.thing()
    Thing.objects.filter(pk=thing.pk).delete()
    with pytest.raises(Thing.DoesNotExist):
        thing.refresh_from_db()
    for one in (thing, other):
        with pytest.raises(AttributeError):
            one.state = "completed"


def test_assignment_while_another_thread_refreshes(shop):
    thing, other = shop.thing(), shop.thing()
    refreshing, assigned = threading.Event(), threading.Event()
    got_through = []

    def assign():
        refreshing.wait(5)
        for one in (thing, other):
            try:
                one.state = "completed"
            except AttributeError:
                continue
            got_through.append(one)
        assigned.set()

    class Slow(Thing):
        class Meta:
            proxy = True
            app_label = "testapp"

        @classmethod
        def from_db(cls, *args):
            refreshing.set()
            assert assigned.wait(5)
            return super().from_db(*args)

    slow = Slow(pk=thing.pk)
    slow.__dict__.update(thing.__dict__)
    worker = threading.Thread(target=assign)
    worker.start()
    slow.refresh_from_db()
    worker.join()
    assert got_through == []


@pytest.mark.parametrize("wrong", [{"state": "ready"}, {"status": "ready"}, {"state": "nowhere"}])
def test_create_outside_the_initial_state(shop, wrong):
    with pytest.raises(TransitionNotAllowed):
        Thing.objects.create(workflow_version=shop.version, **wrong)
    with pytest.raises(TransitionNotAllowed):
        Thing.objects.bulk_create([Thing(workflow_version=shop.version, **wrong)])


def test_create_in_the_initial_state(shop):
    things = [
        Thing.objects.create(workflow_version=shop.version),
        *Thing.objects.bulk_create([Thing(workflow_version=shop.version), Thing(workflow_version=shop.version)]),
        Thing.objects.create(workflow_version=shop.version, state="waiting", status="waiting"),
    ]
    assert {state_of(thing) for thing in things} == {("waiting", "waiting")}


def test_create_on_a_draft(shop):
    draft = Version.objects.create(workflow=shop.version.workflow, number=9, created_at=shop.version.created_at)
    with pytest.raises(TransitionNotAllowed, match="not published"):
        Thing.objects.create(workflow_version=draft)


def test_dict_write(shop):
    thing = shop.thing()
    thing.__dict__.update(OTHER)
    with pytest.raises(IntegrityError, match="outside the workflow"), transaction.atomic():
        thing.save()
    assert state_of(thing) == ("ready", "ready")


def test_saving_a_stale_instance_does_not_turn_back_the_state(shop):
    thing = shop.thing()
    move(shop.olga, thing, "start")
    with pytest.raises(IntegrityError, match="outside the workflow"), transaction.atomic():
        thing.save()
    assert state_of(thing) == ("running", "running")


def test_django_fsm_takes_no_transition_that_nobody_judges(shop):
    thing = shop.thing()
    edge = thing.graph.edge("start", "ready")
    with pytest.raises(TransitionNotAllowed, match="conditions"):
        Thing.state_field().change_state(thing, thing.graph.steps["start"], edge)
    assert thing.state == "ready"


def test_django_fsm_listings_are_of_the_items_version(shop):
    thing = shop.thing()
    assert {t.name for t in thing.get_available_state_transitions()} == {"start", "hold", "cancel"}
    assert len(list(thing.get_all_state_transitions())) == 13
    assert list(thing.get_available_user_state_transitions(shop.olga)) == []


# ---- below Python


def test_update(shop):
    thing = shop.thing()
    for values in (OTHER, {"state": "completed"}, {"status": "completed"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Thing.objects.filter(pk=thing.pk).update(**values)
    assert state_of(thing) == ("ready", "ready")


def test_bulk_update(shop):
    thing = shop.thing()
    thing.__dict__.update(OTHER)
    with pytest.raises(IntegrityError, match="outside the workflow"), transaction.atomic():
        Thing.objects.bulk_update([thing], ["state", "status"])


def execute(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_raw_update(shop):
    thing = shop.thing()
    with pytest.raises(IntegrityError, match="outside the workflow"):
        execute("UPDATE testapp_thing SET state = 'running', status = 'running' WHERE id = %s", thing.pk)


def test_raw_insert(shop):
    with pytest.raises(IntegrityError, match="initial state"):
        execute(
            "INSERT INTO testapp_thing (workflow_version_id, state, status, name, quantity) "
            "VALUES (%s, 'ready', 'ready', '', 0)",
            shop.version.pk,
        )


def test_raw_insert_on_a_retired_or_unknown_version(shop):
    for version in (0, None):
        with pytest.raises(IntegrityError):
            execute(
                "INSERT INTO testapp_thing (workflow_version_id, state, status, name, quantity) "
                "VALUES (%s, 'waiting', 'waiting', '', 0)",
                version,
            )


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("completed", "completed", "no edge"),  # no such edge from ready
        ("running", "completed", "no edge"),  # not the status of that state
        ("ready", "running", "no edge"),  # the status alone
    ],
)
def test_even_armed_it_moves_only_along_an_edge(shop, state, status, said):
    thing = shop.thing()
    with pytest.raises(IntegrityError, match=said), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mfgos.fire', %s, true)", [f"testapp_thing:{thing.pk}:ready:{state}"])
        cursor.execute("UPDATE testapp_thing SET state = %s, status = %s WHERE id = %s", [state, status, thing.pk])


def test_armed_for_one_item_and_one_move(shop):
    thing, other = shop.thing(), shop.thing()
    go = "UPDATE testapp_thing SET state = 'running', status = 'running' WHERE id = %s"
    with pytest.raises(IntegrityError, match="outside"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mfgos.fire', %s, true)", [f"testapp_thing:{thing.pk}:ready:running"])
        cursor.execute(go, [other.pk])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mfgos.fire', %s, true)", [f"testapp_thing:{thing.pk}:ready:running"])
        cursor.execute(go, [thing.pk])
        cursor.execute("SELECT current_setting('mfgos.fire', true)")
        assert cursor.fetchone() == ("",)


def test_an_item_stays_on_its_version(shop):
    thing = shop.thing()
    newer = published(thing_workflow())
    with pytest.raises(IntegrityError, match="stays on its workflow version"), transaction.atomic():
        Thing.objects.filter(pk=thing.pk).update(workflow_version=newer)


def test_pgtrigger_ignore_switches_nothing_off(shop):
    thing = shop.thing()
    with pytest.raises(IntegrityError, match="outside"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL pgtrigger.ignore = '{testapp_thing:*,testapp.Thing:workflow_move}'")
        cursor.execute("UPDATE testapp_thing SET state = 'running', status = 'running' WHERE id = %s", [thing.pk])


def test_what_is_not_state_can_be_saved(shop):
    thing = shop.thing()
    thing.name = "other"
    thing.save()
    Thing.objects.filter(pk=thing.pk).update(quantity=3)
    assert Thing.objects.get(pk=thing.pk).name == "other"


def test_runs_as_the_webs_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("mfgos_app",)
