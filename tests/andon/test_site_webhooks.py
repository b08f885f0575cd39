"""A system of the plant hears of each exception: raised, escalated, resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.andon.causes import Cause
from apps.andon.commands import acknowledge, resolve
from apps.andon.delivery import MOST_FAILURES
from apps.andon.models import Notification, SiteWebhook
from apps.andon.raising import raise_exceptions
from apps.core import clock
from apps.core.commands import Context, command
from tests.andon.channels.servers import HOST, Web, web
from tests.andon.floor import SYSTEM, Floor, later, make_floor
from tests.andon.reach import deliver_all
from tests.test_access import at_desk
from tests.world import give_role, make_person, make_role, run

pytestmark = pytest.mark.django_db
SECRET = "known here and there"


@pytest.fixture
def floor(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Floor:
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    monkeypatch.setenv("MFGOS_WEBHOOK_SECRET", SECRET)
    return make_floor()


@pytest.fixture
def cmms(floor: Floor) -> Iterator[Web]:
    with web() as running:
        SiteWebhook.objects.create(site=floor.world.site, url=f"{running.url}/exceptions")
        yield running


def events(receiver: Web) -> list[tuple[int, str]]:
    found = [json.loads(asked.body)["data"] for asked in receiver.asked]
    return [(data["exception"], data["event"]) for data in found]


def test_it_is_told_of_all_that_happens_in_codes_and_without_names(floor: Floor, cmms: Web) -> None:
    stop = floor.stop()
    deliver_all()
    later(minutes=5)
    deliver_all()
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    deliver_all()
    floor.end()
    deliver_all()
    assert events(cmms) == [(stop.pk, "raised"), (stop.pk, "step"), (stop.pk, "resolved")]
    data = json.loads(cmms.asked[1].body)["data"]
    assert (data["site"], data["line"], data["type"], data["level"], data["impact"]) == (
        *("S1", "L3", "downtime", 2),
        "down",
    )
    assert "Mfgos-Signature" in cmms.asked[0].headers


def test_what_ends_with_its_cause_is_told_as_resolved_once(floor: Floor, cmms: Web) -> None:
    stop = floor.stop("MS-40", type_code="shortage")
    floor.end("MS-40")
    deliver_all()
    assert events(cmms) == [(stop.pk, "raised"), (stop.pk, "resolved")]


def test_it_hears_also_of_what_somebody_has_answered_by_now(floor: Floor, cmms: Web) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    deliver_all()
    assert events(cmms) == [(stop.pk, "raised")]


def test_while_it_is_away_it_is_told_again_later_and_then_of_all(floor: Floor, cmms: Web) -> None:
    cmms.status = 503
    stop = floor.stop()
    deliver_all()
    deliver_all()
    assert len(cmms.asked) == 1, "not again at once"
    for _ in range(3):
        clock.move_to(clock.now() + timedelta(minutes=15), rate=0)
        deliver_all()
    cmms.status = 200
    clock.move_to(clock.now() + timedelta(minutes=15), rate=0)
    deliver_all()
    assert len({asked.headers["Idempotency-Key"] for asked in cmms.asked}) == 1
    assert Notification.objects.get(exception=stop, webhook__isnull=False).state == "sent"


def test_in_the_end_it_is_given_up_and_seen(floor: Floor, cmms: Web) -> None:
    cmms.status = 503
    floor.stop()
    for _ in range(MOST_FAILURES + 2):
        deliver_all()
        clock.move_to(clock.now() + timedelta(minutes=16), rate=0)
    assert len(cmms.asked) == MOST_FAILURES
    assert Notification.objects.get(webhook__isnull=False).state == "failed"


def test_one_without_its_secret_is_not_called_unsigned(
    floor: Floor, cmms: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MFGOS_WEBHOOK_SECRET")
    floor.stop()
    deliver_all()
    assert cmms.asked == []
    assert Notification.objects.get(webhook__isnull=False).state == "failed"


def test_one_that_is_not_in_use_or_of_another_site_hears_nothing(floor: Floor, cmms: Web) -> None:
    SiteWebhook.objects.update(active=False)
    SiteWebhook.objects.create(site=floor.world.other_site, url=f"{cmms.url}/other")
    floor.stop()
    deliver_all()
    assert cmms.asked == []


@command("tests.raise_shortages")
def raise_shortages(context: Context, *, site_id: int, keys: list[str]) -> None:
    context.allow_anyone()
    raise_exceptions(context, [Cause(type="shortage", kind="test", key=key, site_id=site_id) for key in keys])


def test_raising_many_asks_the_same_as_raising_two(floor: Floor, cmms: Web) -> None:
    asked = []
    for keys in (["a1", "a2"], ["b1", "b2", "b3", "b4"]):
        with CaptureQueriesContext(connection) as queries:
            run(raise_shortages, SYSTEM, site_id=floor.world.site.pk, keys=keys)
        asked.append(len([q for q in queries if "sitewebhook" in q["sql"]]))
    assert asked == [1, 1]
    deliver_all()
    assert len(cmms.asked) == 6


def test_secrets_and_wrong_addresses_are_refused(floor: Floor) -> None:
    for wrong in ({"url": "http://plant.example/"}, {"secret_env": "hush hush"}, {"secret_env": "SECRET_KEY"}):
        hook = SiteWebhook(**{"site": floor.world.site, "url": "https://plant.example/", **wrong})
        with pytest.raises(ValidationError):
            hook.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        SiteWebhook.objects.create(site=floor.world.site, url="https://plant.example/", secret_env="SECRET_KEY")


def test_who_sets_up_exceptions_names_systems_and_sees_who_was_told(floor: Floor, cmms: Web) -> None:
    engineer = make_person(is_staff=True, site=floor.world.site)
    give_role(engineer, make_role("andon_engineer", "andon.configure"), floor.world.site)
    client = at_desk(engineer)
    form = {"site": floor.world.site.pk, "url": "https://cmms.example/in", "secret_env": "MFGOS_WEBHOOK_SECRET_CMMS"}
    form["feeds"] = "exceptions"
    assert client.post("/admin/andon/sitewebhook/add/", {**form, "active": "on"}).status_code == 302
    listed = client.get("/admin/andon/sitewebhook/").content.decode()
    assert "MFGOS_WEBHOOK_SECRET_CMMS is not set" in listed
    SiteWebhook.objects.filter(url__contains="cmms.example").update(active=False)
    cmms.status = 503
    floor.stop()
    deliver_all()
    assert client.get("/admin/andon/notification/").status_code == 200
    assert "can&#x27;t take it now" in client.get("/admin/andon/deliveryattempt/").content.decode()
