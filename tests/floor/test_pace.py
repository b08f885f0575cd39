"""The pace on the line board: loud only when behind, and the target typed by the lead."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from apps.core import clock
from apps.floor.fragments import line_board
from apps.orders.commands import confirm_quantity, take_edge
from apps.plant.models import Person
from apps.shifts.models import ShiftTarget
from tests.orders.shop import Shop, make_shop
from tests.world import make_calendar, run

pytestmark = pytest.mark.django_db


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 1, hour, minute, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.fixture
def shop() -> Shop:
    clock.move_to(local(8), rate=0)
    shop = make_shop(quantity=200)
    make_calendar(shop.world.site)
    return shop


def at_desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(client: Client, quantity: str, reason: str = "") -> object:
    sent = {
        "command_id": str(uuid4()),
        "shift_date": "2026-06-01",
        "shift_code": "E",
        "quantity": quantity,
        "reason": reason,
    }
    return client.post("/line/S1/L3/target/", sent)


def make(shop: Shop, quantity: int) -> None:
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(quantity))


def shown(shop: Shop) -> str:
    """The pace card in English, its numbers by name."""
    with translation.override("en"):
        html: str = line_board.render(str(shop.world.line.pk))
    return html[html.index('id="board-pace"') : html.index("</section>")]


def number(card: str, name: str) -> str:
    found = re.search(rf'data-value="{name}">([^<]*)<', card)
    assert found
    return found[1]


def numbers(card: str) -> list[str]:
    return [number(card, name) for name in ("made", "should-be", "heading-for", "target")]


def test_behind_is_loud(shop: Shop) -> None:
    make(shop, 20)
    send(at_desk(shop.world.lena), "90")
    card = shown(shop)
    assert numbers(card) == ["20", "24", "75", "90"]  # 2 of 7.5 net hours, 10 an hour
    assert "4 behind now" in card
    assert "15 short at 14:00" in card
    assert "loud" in card
    assert "Made 20, should be 24, heading for 75, target 90" in card


def test_on_pace_is_quiet(shop: Shop) -> None:
    make(shop, 24)
    send(at_desk(shop.world.lena), "90")
    card = shown(shop)
    assert numbers(card) == ["24", "24", "90", "90"]
    assert "on pace" in card
    assert "will make it" in card
    assert "loud" not in card


def test_without_a_target_it_says_so(shop: Shop) -> None:
    make(shop, 20)
    card = shown(shop)
    assert numbers(card) == ["20", "n/a", "75", "n/a"]
    assert "no target for this shift" in card
    assert "loud" not in card
    assert '<svg class="chart' not in card


def test_in_the_first_minutes_nobody_can_say(shop: Shop) -> None:
    clock.move_to(local(6, 5), rate=0)
    send(at_desk(shop.world.lena), "90")
    card = shown(shop)
    assert numbers(card) == ["0", "1", "n/a", "90"]
    assert "too early to say" in card


def test_outside_all_shifts_there_is_none() -> None:
    clock.move_to(local(8), rate=0)
    assert "no shift is planned now" in shown(make_shop())


class TestTheForm:
    def test_is_the_leads(self, shop: Shop) -> None:
        assert "Set target" in at_desk(shop.world.lena).get("/line/S1/L3/").content.decode()
        assert "Set target" not in at_desk(shop.world.olga).get("/line/S1/L3/").content.decode()

    def test_sets_the_target_and_shows_the_line(self, shop: Shop) -> None:
        answer = send(at_desk(shop.world.lena), "96")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/line/S1/L3/")
        assert ShiftTarget.objects.get().quantity == 96

    def test_of_a_change_without_a_reason_keeps_what_was_typed(self, shop: Shop) -> None:
        client = at_desk(shop.world.lena)
        send(client, "96")
        answer = send(client, "80")
        assert answer.status_code == 409
        assert "Say why its target changes" in answer.content.decode()
        assert 'value="80"' in answer.content.decode()
        assert send(client, "80", "rig is down").status_code == 302

    def test_with_no_number_is_refused(self, shop: Shop) -> None:
        for text in ("", "many", "-1"):
            assert send(at_desk(shop.world.lena), text).status_code == 409
        assert not ShiftTarget.objects.exists()
