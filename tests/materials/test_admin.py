"""Material on the engineers' pages: what the ERP owns is shown, what is ours goes through commands."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.materials.models import Bom, BomLine, Item, ItemUnit, Location, LotLink, Movement
from apps.plant.models import Person
from tests.materials.stock_world import as_erp, make_item, make_location, make_lot, make_unit, put_stock
from tests.world import PASSWORD, ledger, make_holder, make_site

pytestmark = pytest.mark.django_db


def at_desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def engineer() -> Client:
    return at_desk(make_holder("materials.view", "materials.manage", is_staff=True, password=PASSWORD))


def fields(row: Any, **changes: Any) -> dict[str, Any]:
    """What the form of an item sends, with its empty list of units."""
    sent = {"code": row.code, "name": row.name, "unit": row.unit_id, "kind": row.kind, "active": "on"} | changes
    return sent | {f"units-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}


def test_every_page_opens(engineer: Client) -> None:
    rack, item = make_location(make_site()), make_item(lot_tracked=True)
    lots = [make_lot(item), make_lot(item)]
    rows = [rack, item, item.unit, *lots, put_stock(item, rack, 1, lot=lots[0])]
    bom = Bom.objects.create(item=item, code="1")
    BomLine.objects.create(bom=bom, item=make_item(), quantity=1, unit=item.unit, position=1)
    for row in [*rows, bom]:
        name = row._meta.model_name
        assert engineer.get(f"/admin/materials/{name}/").status_code == 200
        assert engineer.get(f"/admin/materials/{name}/{row.pk}/change/").status_code == 200
    for model in (Movement, LotLink):
        assert engineer.get(f"/admin/materials/{model._meta.model_name}/").status_code == 200


def test_an_item_of_ours_is_made_and_changed_by_the_command(engineer: Client) -> None:
    unit = make_unit()
    box = make_unit("box")
    draft = Item(code="OURS", name="Ours", unit=unit, kind="bought")
    assert engineer.post("/admin/materials/item/add/", fields(draft)).status_code == 302
    item = Item.objects.get()
    ItemUnit.objects.create(item=item, unit=box, factor=5)
    page = f"/admin/materials/item/{item.pk}/change/"
    assert engineer.post(page, fields(item, name="Renamed", code="OTHER")).status_code == 302
    item.refresh_from_db()
    assert (item.name, item.code, item.units.count()) == ("Renamed", "OURS", 1)
    assert len(ledger("materials.master_data_taken")) == 2
    assert item.history.first().history_user_id == ledger("materials.master_data_taken")[1].actor_id


def test_an_item_of_the_erp_has_no_field_to_change(engineer: Client) -> None:
    item = make_item("PUMP", erp_key="product,1")
    page = f"/admin/materials/item/{item.pk}/change/"
    shown = engineer.get(page).content.decode()
    assert 'name="name"' not in shown
    assert "PUMP" in shown
    assert engineer.post(page, fields(item, name="Other")).status_code == 403
    assert Item.objects.get().name == "Pump"


def test_a_refusal_of_the_command_is_a_message(engineer: Client) -> None:
    item, bag = make_item("OURS"), make_unit("bag")
    put_stock(item, make_location(make_site()), 1)
    page = f"/admin/materials/item/{item.pk}/change/"
    answer = engineer.post(page, fields(item, unit=bag.pk), follow=True)
    assert "kept in another unit already" in answer.content.decode()
    assert Item.objects.get().unit == item.unit


def test_of_a_place_of_the_erp_only_our_policy_changes(engineer: Client) -> None:
    with as_erp():
        rack = Location.objects.create(site=make_site(), code="R", name="Rack", erp_key="location,1")
    page = f"/admin/materials/location/{rack.pk}/change/"
    assert 'name="name"' not in engineer.get(page).content.decode()
    assert engineer.post(page, {"may_go_negative": "on", "name": "Other", "kind": "scrap"}).status_code == 302
    rack.refresh_from_db()
    assert (rack.may_go_negative, rack.name, rack.kind) == (True, "Rack", "storage")


def test_a_place_of_ours_is_changed_by_who_manages_its_site() -> None:
    here, there = make_site("S1"), make_site("S2")
    places = [make_location(here, "R"), make_location(there, "R")]
    holder = make_holder("materials.view", "materials.manage", place=here, is_staff=True, password=PASSWORD)
    client = at_desk(holder)
    for place in places:
        sent = {"name": "New", "kind": "scrap", "active": "on"}
        client.post(f"/admin/materials/location/{place.pk}/change/", sent)
    assert [Location.objects.get(pk=place.pk).kind for place in places] == ["scrap", "storage"]
