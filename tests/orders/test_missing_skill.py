"""Who lacks a qualification calls somebody who has it, in one tap, and it is over when that one has begun."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from apps.andon.commands import apply_cure
from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import FloorException, Informed, Notification
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.orders.commands import call_for_skill, take_edge
from apps.plant.models import DutyRosterEntry, Person, Presence, Role
from tests.orders.shop import DUE, Shop, make_job, make_shop
from tests.test_bypass import at_station, demand
from tests.world import actor_of, give_role, give_skill, make_person, run

# Before the order that every shop begins with.
SOON = DUE - timedelta(hours=2)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Shop:
    """Who starts an operation here must weld; Olga can't."""
    shop = make_shop()
    demand("start", "welding")
    job = make_job(shop.world.line, shop.world.station, number="WO-W", due_at=SOON)
    return Shop(shop.world, job)


def welder(shop: Shop, name: str, *, until: str | None = None) -> Person:
    person = make_person(name, site=shop.world.site)
    give_role(person, "operator", shop.world.line)
    give_skill(person, "welding", until=until)
    return person


def present(person: Person, shop: Shop) -> Person:
    since = clock.now() - timedelta(hours=1)
    Presence.objects.create(person=person, site=shop.world.site, started_at=since, last_evidence_at=since)
    return person


def call(shop: Shop, who: Person | Actor | None = None) -> int | None:
    found = run(call_for_skill, who or shop.world.olga, job_order_id=shop.job.pk, edge="start")
    person_id: int | None = found.person_id
    return person_id


def called() -> FloorException:
    return FloorException.objects.open().get(cause_kind="missing_skill")


def ways(who: Person) -> list[InPlace]:
    subject = Subject(called())
    return [way for way in cures_for([subject], actor_of(who))[subject] if way.cure.code == "call_qualified"]


class TestACall:
    def test_is_one_exception_that_names_the_skill_the_operation_and_when_it_is_due(self, shop: Shop) -> None:
        call(shop)
        call(shop)
        exception = called()
        assert (exception.type.code, exception.headline) == ("missing_skill", "WO-W waits for welding")
        assert "WO-W operation 10 Step 1" in exception.sentence
        assert (exception.hits_at, exception.work_unit_id) == (SOON, shop.world.station.pk)
        (hit,) = exception.cause.hits([exception])[exception.pk]
        assert (hit.at, hit.reference) == (SOON, "WO-W")

    def test_reaches_who_is_qualified_and_there(self, shop: Shop) -> None:
        welder(shop, "at_home")
        welder(shop, "lapsed", until="2020-01-01")
        wanda = present(welder(shop, "wanda"), shop)
        assert call(shop) == wanda.pk
        assert list(Informed.objects.values_list("person", flat=True)) == [wanda.pk]
        assert Notification.objects.filter(person=wanda, exception=called()).count() == 1
        assert call(shop) == wanda.pk
        assert Notification.objects.filter(person=wanda).count() == 1

    def test_reaches_who_is_on_the_roster(self, shop: Shop) -> None:
        wanda = welder(shop, "wanda")
        now = clock.now()
        DutyRosterEntry.objects.create(
            person=wanda,
            role=Role.objects.get(code="operator"),
            site=shop.world.site,
            work_center=shop.world.line,
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=7),
        )
        assert call(shop) == wanda.pk

    def test_has_an_owner_where_nobody_qualified_is_there(self, shop: Shop) -> None:
        welder(shop, "at_home")
        assert call(shop) is None
        assert called().owner_id

    def test_is_not_for_who_is_qualified_nor_for_what_needs_nothing(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused) as refused:
            call(shop, present(welder(shop, "wanda"), shop))
        assert refused.value.code == "qualified"
        with pytest.raises(CommandRefused) as refused:
            run(call_for_skill, shop.world.olga, job_order_id=shop.job.pk, edge="complete")
        assert refused.value.code == "not_needed"
        with pytest.raises(CommandRefused) as refused:
            call(shop, shop.world.otto)
        assert refused.value.code == "not_allowed"
        assert not FloorException.objects.exists()

    def test_is_over_when_a_qualified_one_has_begun(self, shop: Shop) -> None:
        wanda = present(welder(shop, "wanda"), shop)
        call(shop)
        run(take_edge, wanda, job_order_id=shop.job.pk, edge="start", inputs={})
        assert FloorException.objects.get(cause_kind="missing_skill").status == "closed"

    def test_is_one_tap_at_the_station(self, shop: Shop) -> None:
        wanda = present(welder(shop, "wanda"), shop)
        client: Client = at_station(shop)
        where = f"/station/S1/{shop.world.station.code}/"
        assert "Call a qualified person" in client.get(where).content.decode()
        answer = client.post(
            f"{where}call-qualified/",
            {"job": shop.job.pk, "edge": "start", "command_id": str(uuid4()), "origin": "chosen"},
            headers={"HX-Request": "true"},
        )
        assert answer.status_code == 200
        assert f"{wanda.name} is qualified and was called." in answer.content.decode()


class TestTheOwner:
    def test_sees_who_could_come_and_calls_another(self, shop: Shop) -> None:
        wanda, willy = present(welder(shop, "wanda"), shop), present(welder(shop, "willy"), shop)
        first = call(shop)
        by_label = {way.offer.label: way for way in ways(shop.world.lena)}
        assert set(by_label) == {"Call Wanda", "Call Willy"}
        other = willy if first == wanda.pk else wanda
        assert [way.offer.label for way in ways(shop.world.lena) if way.is_possible] == [f"Call {other.name}"]
        run(
            apply_cure,
            shop.world.lena,
            exception_id=called().pk,
            cure="call_qualified",
            inputs={"person": other.pk},
        )
        assert not any(way.is_possible for way in ways(shop.world.lena))
        assert Informed.objects.filter(person=other).exists()

    def test_reads_who_else_is_qualified_when_nobody_is_there(self, shop: Shop) -> None:
        welder(shop, "at_home")
        call(shop)
        (way,) = ways(shop.world.lena)
        assert way.why_not == "Nobody who is qualified is on duty. Qualified are: At_Home."
