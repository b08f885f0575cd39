"""The page of the blocked orders: what a supervisor reads and presses on it."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client

from apps.andon.models import ExceptionStatus, FloorException
from apps.materials.models import Location
from apps.orders.models import Blocker
from tests.materials.stock_world import make_location, put_stock
from tests.orders.test_cures import Short
from tests.orders.test_material_use import make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def short() -> Short:
    short = Short(make_store(seals=40))
    put_stock(short.store.seal, make_location(short.store.shop.world.site, "LINE-2", kind="production"), 30)
    return short


def desk(short: Short) -> Client:
    client = Client()
    client.force_login(short.sven)
    return client


def form(page: str, button: str) -> dict[str, str]:
    """What the form of this button would send."""
    (sent,) = [part for part in page.split("<form")[1:] if f">{button}</button>" in part]
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', sent)
    return {name: unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}


def test_it_says_what_stops_each_order_and_what_it_costs_to_go_on(short: Short) -> None:
    page = desk(short).get("/blocked/S1/").content.decode()
    for text in ("WO-9", "8 u of SEAL are short.", "Can make 20 of 24", "Take 8 u from LINE-2", "22 u of SEAL stay"):
        assert text in page
    assert "No other parts list of PUMP does without SEAL." in page, "what is not possible says why"


def test_a_press_cures_and_the_row_is_gone(short: Short) -> None:
    client = desk(short)
    page = client.get("/blocked/S1/").content.decode()
    answer = client.post("/blocked/S1/cure/", form(page, "Take 8 u from LINE-2"))
    assert "No order is blocked." in answer.content.decode()
    assert FloorException.objects.get().status == ExceptionStatus.CLOSED


def test_a_press_that_comes_too_late_says_so_and_changes_nothing(short: Short) -> None:
    client = desk(short)
    sent = form(client.get("/blocked/S1/").content.decode(), "Take 8 u from LINE-2")
    Location.objects.filter(code="LINE-2").update(kind="scrap")
    answer = client.post("/blocked/S1/cure/", sent)
    assert answer.status_code == 409
    assert "This has changed meanwhile" in answer.content.decode()
    assert Blocker.objects.open().count() == 1


def test_a_cure_is_pressed_once(short: Short) -> None:
    client, act = desk(short), str(uuid4())
    sent = form(client.get("/blocked/S1/").content.decode(), "Run without it up to 20")
    assert client.post("/blocked/S1/cure/", {**sent, "command_id": act}).status_code == 200
    assert client.post("/blocked/S1/cure/", {**sent, "command_id": act}).status_code == 200, "it is the same act"
    assert short.exception.cures.count() == 1


def test_the_list_is_narrowed_and_stays_so_after_a_press(short: Short) -> None:
    client = desk(short)
    assert "No order is blocked." in client.get("/blocked/S1/?owner=999").content.decode()
    sent = form(client.get("/blocked/S1/?line=L3").content.decode(), "Run without it up to 20")
    assert 'name="filter" value="line=L3"' in client.post("/blocked/S1/cure/", sent).content.decode()


def test_what_was_tampered_with_is_refused(short: Short) -> None:
    client = desk(short)
    sent = form(client.get("/blocked/S1/").content.decode(), "Take 8 u from LINE-2")
    for wrong in ({"inputs": "[1]"}, {"inputs": "{"}, {"exception": "x"}, {"cure": "nonsense"}):
        assert client.post("/blocked/S1/cure/", {**sent, **wrong}).status_code == 409
    assert FloorException.objects.get().is_open
