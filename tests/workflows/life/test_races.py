"""Items are fired, by a process with a connection of its own, while their version is being moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from django.db import connection, connections

from apps.workflows.events import ItemMovedToVersion, StateChanged
from apps.workflows.models import Policy, Rollout, Version
from tests.workflows.life.people import make_office, work
from tests.workflows.life.test_moving import straight
from tests.workflows.test_race import start
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop
from tests.world import ledger

MANY = 60


@pytest.mark.django_db(transaction=True)
def test_nobody_is_refused_and_no_item_is_lost_or_moved_twice(monkeypatch):
    monkeypatch.setattr("apps.workflows.life.commands.BATCH", 5)
    office = make_office()
    shop = make_shop()
    things = [shop.thing() for _ in range(MANY)]
    version = office.next(shop.version, Policy.PLAN, *straight(shop.version))
    runner = start(shop.olga.pk)
    mover = threading.Thread(target=_move_all)
    try:
        mover.start()
        for thing in reversed(things):
            runner.stdin.write(f"{thing.pk}\n")
            runner.stdin.flush()
        answers = [json.loads(runner.stdout.readline()) for _ in things]
        mover.join(60)
    finally:
        runner.stdin.close()
        runner.wait(10)
        runner.stdout.close()
    work()
    assert answers == ["running"] * MANY
    assert set(Thing.objects.values_list("workflow_version", "state", "status")) == {(version.pk, "running", "running")}
    moved = [event.subject_id for event in ledger(ItemMovedToVersion.kind)]
    assert sorted(moved) == sorted(str(thing.pk) for thing in things)
    assert sum(event.data["edge"] == "start" for event in ledger(StateChanged.kind)) == MANY
    assert Thing.history.count() == MANY * (1 + 1 + 1 + 1)  # made, ready, started, moved
    assert Rollout.objects.get(version=version).moved == MANY


def _move_all() -> None:
    try:
        while work():
            pass
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_an_item_that_is_being_moved_finds_it_in_its_new_version():
    office = make_office()
    shop = make_shop()
    thing = shop.thing()
    version = office.next(shop.version, Policy.PLAN, *straight(shop.version))
    runner = start(shop.olga.pk)
    try:
        # The move holds the item until the operator's process waits for it.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT set_config('mfgos.move', %s, true)", [f"testapp_thing:{version.pk}"])
            cursor.execute("UPDATE testapp_thing SET workflow_version_id = %s", [version.pk])
            runner.stdin.write(f"{thing.pk}\n")
            runner.stdin.flush()
            while True:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
            cursor.execute("COMMIT")
        assert json.loads(runner.stdout.readline()) == "running"
    finally:
        runner.stdin.close()
        runner.wait(10)
        runner.stdout.close()
    assert Thing.objects.get(pk=thing.pk).workflow_version == Version.objects.get(pk=version.pk)


MOVER = """
import sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
connection.settings_dict["OPTIONS"]["assume_role"] = "mfgos_app"
from apps.workflows.life import commands
commands.BATCH = 5
from apps.workflows.tasks import move_items
while moved := move_items.run():
    print(moved, flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on():
    office = make_office()
    shop = make_shop()
    things = [shop.thing("waiting") for _ in range(MANY)]
    version = office.next(shop.version, Policy.PLAN, *straight(shop.version))
    mover = subprocess.Popen(
        [sys.executable, "-c", MOVER, connection.settings_dict["NAME"]],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mfgos.settings"},
    )
    try:
        assert mover.stdout.readline() == "5\n"
        mover.kill()
    finally:
        mover.wait(10)
        mover.stdout.close()
    work()
    assert set(Thing.objects.values_list("workflow_version", flat=True)) == {version.pk}
    moved = [event.subject_id for event in ledger(ItemMovedToVersion.kind)]
    assert sorted(moved) == sorted(str(thing.pk) for thing in things)
    assert Rollout.objects.get(version=version).moved == MANY
    assert Thing.history.count() == MANY * 2
