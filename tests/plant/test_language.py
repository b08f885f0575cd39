"""Which language a page speaks: that of the one who is signed in, else that of the browser."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from django.test import Client

from tests.orders.shop import Shop, make_shop
from tests.world import PIN, make_terminal, terminal_cookie

pytestmark = pytest.mark.django_db
STATION = "/station/S1/A33/"


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    shop.world.olga.set_pin(PIN)
    shop.world.olga.language = "de"
    shop.world.olga.save()
    return shop


def tablet(shop: Shop, language: str) -> Client:
    client = Client(headers={"accept-language": language})
    client.cookies.update(SimpleCookie(terminal_cookie(make_terminal(shop.world.site, station=shop.world.station))))
    return client


def spoken(client: Client) -> str:
    page = client.get(STATION)
    assert f'<html lang="{page.headers["Content-Language"]}"' in page.content.decode()
    return str(page.headers["Content-Language"])


def test_a_terminal_speaks_as_its_browser_until_somebody_signs_in_and_after(shop: Shop) -> None:
    client = tablet(shop, "en")
    assert spoken(client) == "en"
    client.post(f"{STATION}sign-in/", {"badge": "badge-olga", "pin": PIN})
    assert spoken(client) == "de"
    client.post(f"{STATION}sign-out/")
    assert spoken(client) == "en"
    assert spoken(tablet(shop, "de-AT")) == "de"


def test_a_language_the_product_does_not_have_is_english(shop: Shop) -> None:
    assert spoken(tablet(shop, "fr")) == "en"


def test_at_a_desk_it_is_the_persons_own(shop: Shop) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(shop.world.olga)
    assert spoken(client) == "de"
    answer = client.post(f"{STATION}take-edge/", {"job": shop.job.pk, "edge": "no_such_edge"})
    assert "kein Schritt dieses Workflows" in answer.content.decode()
