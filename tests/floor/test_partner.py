"""Two at a station: a partner agrees with badge and PIN in the operator's screen, and is shown there until it ends."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.core.models import LedgerEvent
from apps.floor.fragments import station_fragment
from apps.labor.models import TimeEntry
from apps.orders.models import Partnership
from apps.plant.access import LAST_ACT
from apps.plant.models import Person, PersonSkill
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.simulate.borrowed import past_of
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.replay import replay
from tests.orders.shop import DUE, Shop, make_job, make_shop
from tests.test_bypass import publish_edge
from tests.world import PIN, give_role, give_skill, make_person, make_terminal, terminal_cookie

pytestmark = pytest.mark.django_db
STATION = "/station/S1/A33"
# Before the order that every shop begins with.
SOON = DUE - timedelta(hours=2)


@pytest.fixture
def shop() -> Shop:
    """Who starts WO-W must weld, or work together with Wanda, who can."""
    shop = make_shop()
    world = shop.world
    world.olga.set_pin(PIN)
    world.olga.save()
    for name, skill in {"wanda": "welding", "carla": "crane"}.items():
        person = make_person(name, site=world.site, badge=f"badge-{name}", pin=PIN)
        give_role(person, "operator", world.line)
        give_skill(person, skill)
    publish_edge("start", skills=["welding"], partner_suffices=True)
    return Shop(world, make_job(world.line, world.station, number="WO-W", due_at=SOON))


@pytest.fixture
def tablet(shop: Shop) -> Client:
    """Olga is signed in at it."""
    client = Client()
    client.cookies.update(SimpleCookie(terminal_cookie(make_terminal(shop.world.site, station=shop.world.station))))
    client.post(f"{STATION}/sign-in/", {"badge": "badge-olga", "pin": PIN})
    return client


def person(name: str) -> Person:
    return Person.objects.get_queryset().get(username=name)


def shown(client: Client) -> str:
    return client.get(f"{STATION}/panel/").content.decode()


def join(client: Client, shop: Shop, badge: str = "badge-wanda", pin: str = PIN) -> Any:
    form = {"job": shop.job.pk, "badge": badge, "pin": pin, "sheet": "partner-sheet"}
    return client.post(f"{STATION}/work-together/", form, headers={"HX-Request": "true"})


def act(client: Client, shop: Shop, what: str, **form: Any) -> Any:
    form = {"job": shop.job.pk, "origin": "chosen", **form}
    return client.post(f"{STATION}/{what}/", form, headers={"HX-Request": "true"})


def test_a_partner_comes_over_and_the_operator_goes_on(shop: Shop, tablet: Client) -> None:
    before = shown(tablet)
    assert "Work together…" in before
    assert 'id="partner-sheet"' in before
    assert "Somebody qualified who works together with you would do." in before
    answer = join(tablet, shop)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Wanda works together with you." in page
    assert "together with Wanda" in page
    assert "Work together…" not in page
    assert 'id="partner-sheet"' not in page
    assert act(tablet, shop, "take-edge", edge="start").status_code == 200
    names = TimeEntry.objects.open().filter(job_order=shop.job).values_list("person__username", flat=True)
    assert set(names) == {"olga", "wanda"}


def test_the_next_entry_stays_the_operators_and_the_lock_is_not_put_off(shop: Shop, tablet: Client) -> None:
    before = tablet.session[LAST_ACT]
    join(tablet, shop)
    assert tablet.session[LAST_ACT] == before
    act(tablet, shop, "take-edge", edge="start")
    assert LedgerEvent.objects.filter(kind="workflows.state_changed").latest("id").actor_id == shop.world.olga.pk


def test_the_sheet_says_why_somebody_can_not_help(shop: Shop, tablet: Client) -> None:
    for badge, pin, why in [
        ("badge-carla", PIN, "You do not have the qualification that is missing here."),
        ("badge-olga", PIN, "Somebody else has to work together with you"),
        ("badge-wanda", "000000", "Badge"),
    ]:
        answer = join(tablet, shop, badge, pin)
        assert answer.status_code == 409
        text = answer.content.decode().split('id="partner-sheet-answer" class="answer" role="alert" hx-swap-oob', 1)[1]
        assert why in text.split("</", 1)[0]
    assert not Partnership.objects.exists()


def test_either_of_them_ends_it(shop: Shop, tablet: Client) -> None:
    join(tablet, shop)
    answer = act(tablet, shop, "part", person=person("wanda").pk)
    assert answer.status_code == 200
    assert "together with Wanda" not in answer.content.decode()
    assert act(tablet, shop, "take-edge", edge="start").status_code == 409


def test_other_screens_hear_of_it(shop: Shop, tablet: Client) -> None:
    station = str(shop.world.station.pk)
    before = station_fragment.render(station)
    join(tablet, shop)
    with_her = station_fragment.render(station)
    assert with_her != before
    act(tablet, shop, "part", person=person("wanda").pk)
    assert station_fragment.render(station) not in (with_her, "")


def test_nobody_agrees_where_nobody_is_signed_in_or_at_a_desk(shop: Shop, tablet: Client) -> None:
    at_desk = Client()
    at_desk.force_login(shop.world.olga)
    assert "Work together…" not in shown(at_desk)
    assert join(at_desk, shop).status_code == 409
    tablet.post(f"{STATION}/sign-out/")
    assert join(tablet, shop).status_code == 409
    assert not Partnership.objects.exists()


def test_a_draft_laid_over_a_step_that_was_taken_together_does_not_stop_it(shop: Shop, tablet: Client) -> None:
    join(tablet, shop)
    assert act(tablet, shop, "take-edge", edge="start").status_code == 200
    version = Version.objects.select_related("workflow").get(pk=shop.job.workflow_version_id)
    definition = to_definition(version)
    befores = past_of(version, definition).befores
    [start] = [edge for edge in definition.edges if edge.code == "start"]
    clock.move_to(clock.now() + timedelta(minutes=1), rate=0)

    def stops(**otherwise: Any) -> list[tuple[str, str]]:
        changed = start.model_copy(update=otherwise)
        edges = [changed if edge.code == "start" else edge for edge in definition.edges]
        draft = definition.model_copy(update={"edges": edges})
        found = replay(KINDS["job_order"], draft, befores, version, Span(days=7)).draft.stops
        return [(stop.edge, stop.reason.value) for stop in found]

    assert stops() == []
    assert stops(partner_suffices=False) == [("start", "skill")]
    PersonSkill.objects.filter(person=person("wanda")).update(valid_until=clock.now().date() - timedelta(days=9))
    assert stops() == []
    give_skill(person("wanda"), "crane")
    assert stops(skills=["welding", "crane"]) == []
    give_skill(person("carla"), "forklift")
    assert stops(skills=["welding", "forklift"]) == [("start", "skill")]
