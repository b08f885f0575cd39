"""Requests for maintenance reach the plant's maintenance system: signed, in order, until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.andon.channels.interface import ChannelKind
from apps.andon.delivery import MOST_FAILURES, claim, deliver_next
from apps.andon.models import DeliveryAttempt, Notification, SiteWebhook
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.equipment.commands import (
    finish_maintenance,
    name_cause,
    request_maintenance,
    stop_machine,
    technician_arrived,
    wait_for_part,
)
from apps.plant.models import Person, Purpose, ReasonCode, WorkUnit
from tests.andon.channels.servers import HOST, Web, web
from tests.andon.reach import deliver_all
from tests.equipment.machines import make_machine
from tests.seeded import seed_plant
from tests.test_access import at_desk
from tests.world import World, give_role, make_person, make_role, make_station, make_world, run

pytestmark = pytest.mark.django_db
SECRET = "known here and there"
STEPS = ["requested", "arrived", "cause", "waiting_for_part", "done"]
MORNING = datetime(2026, 11, 24, 9, 45, tzinfo=UTC)


@dataclass
class Plant:
    world: World
    tom: Person

    def asked(self, unit: WorkUnit | None = None) -> int:
        """A request that is told of, of its own machine."""
        request_id: int = run(request_maintenance, self.tom, work_unit_id=(unit or self.world.station).pk).request_id
        return request_id

    def all_of_it(self) -> int:
        run(stop_machine, self.tom, work_unit_id=self.world.station.pk)
        request = self.asked()
        run(technician_arrived, self.tom, request_id=request)
        tooling = ReasonCode.objects.get(purpose=Purpose.DOWNTIME, code="tooling")
        run(name_cause, self.tom, request_id=request, reason_id=tooling.pk)
        run(wait_for_part, self.tom, request_id=request, note="ask Tom's brother")
        run(finish_maintenance, self.tom, request_id=request)
        return request


@pytest.fixture
def plant(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Plant:
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    settings.BASE_URL = "https://plant.example"
    monkeypatch.setenv("MFGOS_WEBHOOK_SECRET", SECRET)
    clock.move_to(MORNING, rate=0)
    seed_plant()
    world = make_world()
    make_machine(world.station)
    tom = make_person("tom", site=world.site)
    give_role(tom, "maintenance_technician", world.site)
    return Plant(world, tom)


@pytest.fixture
def cmms(plant: Plant) -> Iterator[Web]:
    with web() as running:
        SiteWebhook.objects.create(site=plant.world.site, url=f"{running.url}/in", feeds=["maintenance"])
        yield running


def told(receiver: Web) -> list[tuple[int, str]]:
    found = [json.loads(asked.body)["data"] for asked in receiver.asked]
    return [(data["request"], data["event"]) for data in found]


def later(**how_long: float) -> None:
    clock.move_to(clock.now() + timedelta(**how_long), rate=0)
    deliver_all()


def is_from_mfgos(secret: str, header: str, body: bytes) -> bool:
    """As docs/integrators.md tells the other side to look."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) < 300 and hmac.compare_digest(expected, parts["v1"])


def test_all_that_happens_to_a_request_arrives_in_order_signed_and_once(plant: Plant, cmms: Web) -> None:
    request = plant.all_of_it()
    deliver_all()
    assert told(cmms) == [(request, step) for step in STEPS]
    assert all(is_from_mfgos(SECRET, asked.headers["Mfgos-Signature"], asked.body) for asked in cmms.asked)
    keys = [asked.headers["Idempotency-Key"] for asked in cmms.asked]
    assert keys == [json.loads(asked.body)["key"] for asked in cmms.asked]
    assert len(set(keys)) == len(keys)


def test_it_is_told_in_codes_what_was_so_when_it_happened_and_nothing_that_was_typed(plant: Plant, cmms: Web) -> None:
    request = plant.all_of_it()
    later(days=1)
    first, third = (json.loads(cmms.asked[n].body) for n in (0, 2))
    assert first["tag"] == f"maintenance_request:{request}"
    assert first["severity"] == "news"
    assert first["url"] == "https://plant.example/station/S1/A33/"
    data = first["data"]
    assert (data["site"], data["line"], data["station"], data["status"]) == ("S1", "L3", "A33", "requested")
    assert (data["cause"], data["arrived_at"], data["done_at"]) == ("", "", "")
    assert data["at"] == MORNING.isoformat()
    assert isinstance(data["downtime"], int)
    assert third["data"]["cause"] == "tooling"
    assert "brother" not in "".join(asked.body.decode() for asked in cmms.asked)


def test_while_it_is_away_it_is_told_again_the_same_and_the_next_waits(plant: Plant, cmms: Web) -> None:
    cmms.status = 503
    request = plant.all_of_it()
    deliver_all()
    later(seconds=2)
    later(minutes=15)
    assert told(cmms) == [(request, "requested")] * 3
    assert len({asked.body for asked in cmms.asked}) == 1
    cmms.status = 200
    later(minutes=15)
    assert [event for _request, event in told(cmms)[3:]] == STEPS


def test_a_request_that_is_not_taken_holds_back_no_other(plant: Plant, cmms: Web) -> None:
    cmms.status = 503
    first = plant.asked()
    deliver_all()
    run(technician_arrived, plant.tom, request_id=first)
    cmms.status = 200
    second = plant.asked(make_station(plant.world.line, code="T34", position=2))
    deliver_all()
    assert told(cmms) == [(first, "requested"), (second, "requested")]


def test_it_is_never_given_up_and_seen_while_it_fails(plant: Plant, cmms: Web) -> None:
    engineer = make_person(is_staff=True, site=plant.world.site)
    give_role(engineer, make_role("andon_engineer", "andon.configure"), plant.world.site)
    cmms.status = 410
    request = plant.all_of_it()
    for _ in range(MOST_FAILURES + 3):
        later(minutes=16)
    assert DeliveryAttempt.objects.filter(worked=False).count() == MOST_FAILURES + 3
    listed = at_desk(engineer).get("/admin/andon/sitewebhook/").content.decode()
    assert "says that this address is gone (410)" in listed
    assert '<td class="field-waiting' in listed
    cmms.asked.clear()
    cmms.status = 200
    later(minutes=16)
    assert told(cmms)[0] == (request, "requested")
    assert len(told(cmms)) == 5


def test_who_sent_it_and_died_before_it_was_noted_sends_the_same_again(plant: Plant, cmms: Web) -> None:
    request = plant.asked()
    lease = claim(ChannelKind.WEBHOOK)
    assert lease is not None
    run(technician_arrived, plant.tom, request_id=request)
    assert claim(ChannelKind.WEBHOOK) is None, "the next one waits for the one that is on its way"
    Notification.objects.filter(pk=lease.notification.pk).update(leased_until=Now())
    assert deliver_next(ChannelKind.WEBHOOK)
    assert cmms.asked[0].headers["Idempotency-Key"] == lease.notification.key
    deliver_all()
    assert told(cmms) == [(request, "requested"), (request, "arrived")]


def test_what_is_refused_is_not_told(plant: Plant, cmms: Web) -> None:
    request = plant.asked()
    run(technician_arrived, plant.tom, request_id=request)
    for wrong, who in ((technician_arrived, plant.tom), (finish_maintenance, plant.world.olga)):
        with pytest.raises(CommandRefused):
            run(wrong, who, request_id=request)
    deliver_all()
    assert told(cmms) == [(request, "requested"), (request, "arrived")]


def test_a_system_hears_of_what_it_has_asked_for_and_of_its_own_site(plant: Plant, cmms: Web) -> None:
    site, other = plant.world.site, plant.world.other_site
    SiteWebhook.objects.create(site=site, url=f"{cmms.url}/exceptions")
    SiteWebhook.objects.create(site=other, url=f"{cmms.url}/other", feeds=["maintenance", "exceptions"])
    plant.asked()
    run(stop_machine, plant.tom, work_unit_id=plant.world.station.pk)
    deliver_all()
    assert {asked.path for asked in cmms.asked} == {"/in"}
    assert len(cmms.asked) == 1


def test_one_that_is_in_use_no_more_is_told_nothing_more(plant: Plant, cmms: Web) -> None:
    cmms.status = 503
    plant.all_of_it()
    deliver_all()
    SiteWebhook.objects.update(active=False)
    cmms.status = 200
    later(hours=1)
    assert len(cmms.asked) == 1
    assert not Notification.objects.queued().exists()


def test_an_engineer_says_what_a_system_hears_of(plant: Plant, cmms: Web) -> None:
    engineer = make_person(is_staff=True, site=plant.world.site)
    give_role(engineer, make_role("andon_engineer", "andon.configure"), plant.world.site)
    form = {"site": plant.world.site.pk, "url": "https://cmms.example/in", "secret_env": "MFGOS_WEBHOOK_SECRET_CMMS"}
    client = at_desk(engineer)
    assert client.post("/admin/andon/sitewebhook/add/", {**form, "feeds": ["nonsense"]}).status_code == 200
    sent = {**form, "feeds": ["maintenance", "exceptions"], "active": "on"}
    assert client.post("/admin/andon/sitewebhook/add/", sent).status_code == 302
    assert SiteWebhook.objects.get(url=form["url"]).feeds == ["maintenance", "exceptions"]


def test_the_database_keeps_news_apart_from_what_people_are_told(plant: Plant, cmms: Web) -> None:
    plant.asked()
    rows = Notification.objects.filter(webhook__isnull=False)
    for wrong in ({"story": ""}, {"news": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
