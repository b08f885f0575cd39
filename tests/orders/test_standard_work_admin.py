"""Standard work on the engineers' pages: written as a draft, published by the command, fixed from then on."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.materials.models import Item
from apps.orders.models import MasterStep, WorkMaster
from tests.materials.stock_world import make_item
from tests.orders.shop import Shop, make_shop
from tests.orders.steps_shop import BOLT, publish

pytestmark = pytest.mark.django_db
LIST = "/admin/orders/workmaster/"


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    shop.world.pia.is_staff = True
    shop.world.pia.save()
    return shop


@pytest.fixture
def pia(shop: Shop) -> Client:
    client = Client()
    client.force_login(shop.world.pia)
    return client


def form(shop: Shop, **more: object) -> dict[str, object]:
    item = Item.objects.filter(code="ES-65").first() or make_item("ES-65", kind="made")
    return {
        "item": item.pk,
        "operation_name": "Step 1",
        "site": shop.world.site.pk,
        "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 0,
        "steps-0-position": 1,
        "steps-0-kind": "measure",
        "steps-0-titles": '{"en": "Gap"}',
        "steps-0-texts": "{}",
        "steps-0-frequency": "per_piece",
        "steps-0-required": "on",
        "steps-0-unit": "mm",
        "steps-0-low": "0.3",
        "steps-0-high": "0.5",
        **more,
    }


def do(client: Client, action: str, master: WorkMaster) -> str:
    answer = client.post(LIST, {"action": action, "_selected_action": master.pk}, follow=True)
    return answer.content.decode()


def test_an_engineer_writes_publishes_copies_and_retires(shop: Shop, pia: Client) -> None:
    assert pia.post(f"{LIST}add/", form(shop)).status_code == 302
    master = WorkMaster.objects.get()
    assert (master.number, master.status, MasterStep.objects.get().title) == (1, "draft", "Gap")
    assert "Done" in do(pia, "publish", master)
    assert "Done" in do(pia, "copy", master)
    assert WorkMaster.objects.filter(status="draft").get().number == 2
    assert "Done" in do(pia, "retire", master)
    assert "It is retired" in do(pia, "publish", master)


def test_what_is_published_is_not_edited(shop: Shop, pia: Client) -> None:
    pia.post(f"{LIST}add/", form(shop))
    master, step = WorkMaster.objects.get(), MasterStep.objects.get()
    do(pia, "publish", master)
    page = f"{LIST}{master.pk}/change/"
    assert pia.get(page).status_code == 200
    changed = {
        "item": master.item_id,
        "operation_name": "Step 2",
        "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 1,
        "steps-0-id": step.pk,
        "steps-0-master": master.pk,
        "steps-0-high": "9",
    }
    assert pia.post(page, changed).status_code == 403
    master.refresh_from_db()
    step.refresh_from_db()
    assert (master.operation_name, float(step.high)) == ("Step 1", 0.5)


def test_limits_in_the_wrong_order_are_said_in_the_form(shop: Shop, pia: Client) -> None:
    answer = pia.post(f"{LIST}add/", form(shop, **{"steps-0-low": "0.6"}))
    assert answer.status_code == 200
    assert not WorkMaster.objects.exists()


def test_an_engineer_of_a_site_does_not_change_what_holds_for_every_site(shop: Shop, pia: Client) -> None:
    master = WorkMaster.objects.get(pk=publish(BOLT))
    assert "may not write and publish" in do(pia, "retire", master)
    assert pia.post(f"{LIST}add/", form(shop, site="")).status_code in {200, 302}
    assert WorkMaster.objects.count() == 1
