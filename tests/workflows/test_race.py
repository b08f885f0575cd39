"""Two at once: real processes with connections of their own fire the same edge; one wins, the other hears of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from apps.workflows.events import StateChanged
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop
from tests.world import ledger

ROUNDS = 20

RUNNER = """
import json, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
connection.settings_dict["OPTIONS"]["assume_role"] = "mfgos_app"
from uuid import uuid4
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from tests.workflows.testapp.commands import move_thing
actor = Actor(person_id=int(sys.argv[2]))
connection.ensure_connection()
print("up", flush=True)
for line in sys.stdin:
    try:
        answer = move_thing(actor, uuid4(), thing_id=int(line), edge="start")
    except CommandRefused as refusal:
        answer = {"code": refusal.code, "sentence": refusal.sentence}
    print(json.dumps(answer), flush=True)
"""


def start(person_id: int) -> subprocess.Popen[str]:
    name = connection.settings_dict["NAME"]
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, name, str(person_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mfgos.settings"},
    )
    assert runner.stdout.readline() == "up\n"
    return runner


@pytest.mark.django_db(transaction=True)
def test_two_processes_fire_the_same_edge():
    shop = make_shop()
    things = [shop.thing() for _ in range(ROUNDS)]
    before = Thing.history.count()
    runners = {"olga": start(shop.olga.pk), "lena": start(shop.lena.pk)}
    try:
        for thing in things:
            for runner in runners.values():
                runner.stdin.write(f"{thing.pk}\n")
                runner.stdin.flush()
            answers = {name: json.loads(runner.stdout.readline()) for name, runner in runners.items()}
            [winner] = [name for name, answer in answers.items() if answer == "running"]
            [loser] = [answer for name, answer in answers.items() if name != winner]
            assert loser["code"] == "wrong_state"
            assert winner.title() in loser["sentence"]
    finally:
        for runner in runners.values():
            runner.stdin.close()
            runner.wait(10)
            runner.stdout.close()
    starts = [event for event in ledger(StateChanged.kind) if event.data["edge"] == "start"]
    assert len(starts) == ROUNDS
    assert Thing.history.count() == before + ROUNDS
