"""While an operation is set up, the station proposes to start it, and the first piece can be booked."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.base import SessionBase

from apps.floor.panel import Panel
from apps.orders.commands import take_edge
from tests.orders.shop import Shop, make_shop
from tests.world import actor_of, run

pytestmark = pytest.mark.django_db


def seen(shop: Shop) -> Panel:
    return Panel(shop.world.station, actor_of(shop.world.olga), SessionBase())


def proposed(shop: Shop) -> list[str]:
    return [choice.exit.code for choice in seen(shop).choices if choice.is_proposed]


def test_start_is_proposed_before_and_while_it_is_set_up() -> None:
    shop = make_shop()
    assert proposed(shop) == ["start"]
    assert "set_up" in [choice.exit.code for choice in seen(shop).choices if choice.exit.possible]
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="set_up", inputs={})
    assert proposed(shop) == ["start"]
    shown = seen(shop)
    assert (shown.headline, shown.can_book) == ("Setting up", True)
    assert "first piece" in shown.advice
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    assert proposed(shop) == []
    assert seen(shop).headline == "Running"
