"""Promise 3: nothing that the ERP owns changes except under ERP authority, by whatever road."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from apps.core.actors import Actor, Origin
from apps.core.administration import HistoryAdmin
from apps.core.errors import CommandRefused
from apps.core.ownership import OWNERSHIP, erp_authority, owned_fields, owned_fields_of
from apps.core.ownership_switch import switch_ownership
from apps.materials.models import Bom, BomLine, Item, Location, StockSnapshot
from tests.materials.stock_world import a_context, as_erp, make_item, make_location, put_stock
from tests.world import ledger, make_holder, make_site, run

pytestmark = pytest.mark.django_db
REFUSED = "only under ERP authority"


def sql(text: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, list(values))


def as_owner(text: str, *values: object) -> None:
    with transaction.atomic():
        sql("RESET ROLE")
        sql(text, *values)


def by_save(item: Item) -> None:
    item.name = "Other"
    item.save()


def by_admin(item: Item) -> None:
    """The admin's own save, as if the form had let the field through."""
    item.name = "Other"
    request = RequestFactory().post("/")
    request.user = AnonymousUser()
    HistoryAdmin(Item, AdminSite()).save_model(request, item, form=None, change=True)


def by_bulk_update(item: Item) -> None:
    item.name = "Other"
    Item.objects.bulk_update([item], ["name"])


def by_upsert(item: Item) -> None:
    row = Item(pk=item.pk, code=item.code, name="Other", unit=item.unit, erp_key=item.erp_key)
    Item.objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=["name"])


def with_library_told_to_ignore(item: Item) -> None:
    pgids = [trigger.get_pgid(Item) for trigger in Item._meta.triggers]
    names = [f"materials.Item:{trigger.name}" for trigger in Item._meta.triggers]
    sql("SELECT set_config('pgtrigger.ignore', %s, true)", "{" + ",".join(pgids + names) + "}")
    sql("UPDATE materials_item SET name = 'Other' WHERE id = %s", item.pk)


ATTACKS: list[Callable[[Item], None]] = [
    by_save,
    by_admin,
    by_bulk_update,
    lambda item: (Item.objects.filter(pk=item.pk).update(name="Other"), None)[1],
    lambda item: sql("UPDATE materials_item SET name = 'Other' WHERE id = %s", item.pk),
    lambda item: as_owner("UPDATE materials_item SET name = 'Other' WHERE id = %s", item.pk),
    with_library_told_to_ignore,
]
ROBBERIES = {
    "made ours": "UPDATE materials_item SET erp_key = '' WHERE id = %s",
    "given another key": "UPDATE materials_item SET erp_key = 'product,9' WHERE id = %s",
    "given another id": "UPDATE materials_item SET id = 99999 WHERE id = %s",
    "given a newer version": "UPDATE materials_item SET erp_version_at = now() WHERE id = %s",
    "deleted": "DELETE FROM materials_item WHERE id = %s",
}


@pytest.fixture
def item() -> Item:
    return make_item("PUMP", erp_key="product,1")


@pytest.fixture
def ours() -> Item:
    return make_item("OURS")


class TestWhatTheErpOwnsIsRefused:
    @pytest.mark.parametrize("attack", ATTACKS)
    def test_to_a_change(self, item: Item, attack: Callable[[Item], None]) -> None:
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            attack(item)
        assert Item.objects.get(pk=item.pk).name == "Pump"

    def test_to_an_upsert(self, item: Item) -> None:
        with pytest.raises(DatabaseError, match="only the ERP makes"), transaction.atomic():
            by_upsert(item)

    @pytest.mark.parametrize("robbery", ROBBERIES.values(), ids=list(ROBBERIES))
    def test_to_be_taken_from_the_erp(self, item: Item, robbery: str) -> None:
        with pytest.raises(DatabaseError, match="ERP"), transaction.atomic():
            sql(robbery, item.pk)
        assert Item.objects.get(pk=item.pk).erp_key == "product,1"

    def test_to_be_emptied_even_by_the_owner(self, item: Item) -> None:
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="not emptied"):
            as_owner("TRUNCATE materials_item CASCADE")

    def test_to_a_row_that_claims_to_be_the_erps(self, ours: Item) -> None:
        with pytest.raises(DatabaseError, match="only the ERP makes"), transaction.atomic():
            Item.objects.create(code="FAKE", name="Fake", unit=ours.unit, erp_key="product,7")
        with pytest.raises(DatabaseError, match="only the ERP makes"), transaction.atomic():
            Item.objects.filter(pk=ours.pk).update(erp_key="product,7")

    def test_when_a_session_was_left_with_an_old_authority(self, item: Item) -> None:
        for value in ("erp", "erp:", "erp:1"):
            sql("SELECT set_config('mfgos.authority', %s, false)", value)
            with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
                Item.objects.filter(pk=item.pk).update(name="Other")
        sql("RESET mfgos.authority")


class TestWhatHangsOnARowOfTheErp:
    @pytest.fixture
    def bom(self, item: Item, ours: Item) -> Bom:
        with as_erp():
            bom = Bom.objects.create(item=item, code="B", erp_key="bom,1")
            BomLine.objects.create(bom=bom, item=ours, quantity=2, unit=ours.unit, position=1)
        return bom

    def test_is_the_erps_too(self, bom: Bom, ours: Item) -> None:
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            BomLine.objects.update(quantity=3)
        with pytest.raises(DatabaseError, match="only the ERP"), transaction.atomic():
            BomLine.objects.all().delete()
        with pytest.raises(DatabaseError, match="only the ERP"), transaction.atomic():
            BomLine.objects.create(bom=bom, item=ours, quantity=1, unit=ours.unit, position=2)

    def test_can_not_be_carried_to_a_row_of_ours(self, bom: Bom, item: Item) -> None:
        other = Bom.objects.create(item=item, code="OURS")
        with pytest.raises(DatabaseError, match="only the ERP"), transaction.atomic():
            BomLine.objects.update(bom=other)

    def test_stock_on_record_of_its_item(self, item: Item, ours: Item) -> None:
        rack = make_location(make_site())
        put_stock(ours, rack, 5)
        with pytest.raises(DatabaseError, match="only the ERP"), transaction.atomic():
            put_stock(item, rack, 5)
        with as_erp():
            put_stock(item, rack, 5)
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            StockSnapshot.objects.filter(item=item).update(stock_quantity=500)


class TestWhatIsOursStaysFree:
    def test_a_row_without_a_key(self, ours: Item) -> None:
        by_save(ours)
        assert Item.objects.get(pk=ours.pk).name == "Other"
        Item.objects.filter(pk=ours.pk).delete()

    def test_a_field_of_ours_on_a_row_of_the_erp(self) -> None:
        with as_erp():
            rack = Location.objects.create(site=make_site(), code="R", name="R", erp_key="location,1")
        rack.may_go_negative = True
        rack.save()
        assert Location.objects.get().may_go_negative

    def test_saving_a_row_of_the_erp_as_it_is(self, item: Item) -> None:
        item.save()


class TestUnderAuthority:
    def test_everything_is_written(self, item: Item) -> None:
        with as_erp():
            by_save(item)
            Item.objects.filter(pk=item.pk).update(code="P2")
        assert Item.objects.get(pk=item.pk).code == "P2"

    def test_it_ends_with_the_block(self, item: Item) -> None:
        with as_erp():
            pass
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            by_save(item)

    def test_it_ends_with_a_block_that_failed(self, item: Item) -> None:
        with pytest.raises(LookupError), as_erp():
            raise LookupError
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            by_save(item)

    def test_an_inner_block_does_not_end_the_outer(self, item: Item) -> None:
        with as_erp():
            with as_erp():
                pass
            by_save(item)

    @pytest.mark.parametrize(
        "actor",
        [Actor(person_id=1), Actor.system("rules"), Actor(person_id=1, origin=Origin.ERP), Actor(terminal_id=1)],
    )
    def test_it_is_given_to_the_erp_sync_only(self, actor: Actor) -> None:
        with pytest.raises(CommandRefused, match="Only the ERP"), erp_authority(a_context(actor)):
            pytest.fail("authority was given")


@pytest.mark.django_db(transaction=True)
class TestAuthorityDoesNotLeak:
    @pytest.fixture
    def item(self) -> Item:
        with transaction.atomic():
            return make_item("PUMP", erp_key="product,1")

    def test_outside_a_transaction_there_is_none(self) -> None:
        with pytest.raises(RuntimeError, match="within a transaction"), as_erp():
            pytest.fail("authority was given")

    def test_into_the_next_transaction_of_the_connection(self, item: Item) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('mfgos.authority', 'erp:' || pg_current_xact_id(), false)")
            by_save(item)
        with connection.cursor() as cursor:
            cursor.execute("SHOW mfgos.authority")
            assert cursor.fetchone()[0].startswith("erp:")
        with pytest.raises(DatabaseError, match=REFUSED):
            Item.objects.update(name="Third")
        sql("RESET mfgos.authority")

    def test_to_another_connection(self, item: Item) -> None:
        errors: list[Exception] = []

        def attack() -> None:
            try:
                Item.objects.update(name="Other")
            except DatabaseError as error:
                errors.append(error)
            finally:
                connection.close()

        with transaction.atomic(), as_erp():
            thread = threading.Thread(target=attack)
            thread.start()
            thread.join()
        assert [REFUSED in str(error) for error in errors] == [True]


class TestAFieldMayChangeHands:
    def switch(self, owner: str, site_id: int | None = None) -> Any:
        return run(
            switch_ownership,
            make_holder("core.switch_ownership"),
            model="materials.Item",
            field="shelf_life_days",
            owner=owner,
            site_id=site_id,
        )

    def test_to_us_and_back(self, item: Item) -> None:
        assert self.switch("mfgos") is True
        Item.objects.filter(pk=item.pk).update(shelf_life_days=90)
        assert "shelf_life_days" not in owned_fields(Item)
        assert self.switch("mfgos") is False
        assert self.switch("erp") is True
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            Item.objects.filter(pk=item.pk).update(shelf_life_days=30)
        assert [event.data["owner"] for event in ledger("core.ownership_switched")] == ["mfgos", "erp"]

    def test_for_one_site(self) -> None:
        here, there = make_site("S1"), make_site("S2")
        with as_erp():
            racks = [
                Location.objects.create(site=site, code="R", name="R", erp_key=f"location,{site.pk}")
                for site in (here, there)
            ]
        holder = make_holder("core.switch_ownership")
        run(switch_ownership, holder, model="materials.Location", field="name", owner="mfgos", site_id=here.pk)
        Location.objects.filter(pk=racks[0].pk).update(name="Ours")
        assert "name" not in owned_fields_of(racks[0])
        assert "name" in owned_fields_of(racks[1])
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            Location.objects.filter(pk=racks[1].pk).update(name="Ours")

    @pytest.mark.parametrize("field", ["erp_key", "id", "nothing"])
    def test_but_not_what_makes_the_row(self, field: str) -> None:
        with pytest.raises(CommandRefused, match="can't be handed over"):
            run(
                switch_ownership,
                make_holder("core.switch_ownership"),
                model="materials.Item",
                field=field,
                owner="mfgos",
            )

    def test_by_nobody_without_the_right(self) -> None:
        with pytest.raises(CommandRefused, match="You may not say which system owns a field here"):
            run(switch_ownership, make_holder(), model="materials.Item", field="name", owner="mfgos")


class TestTheMap:
    def test_names_only_fields_that_exist_and_its_triggers_stand_in_the_database(self) -> None:
        assert {"materials.Item", "materials.BomLine", "materials.StockSnapshot"} <= set(OWNERSHIP)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid "
                "WHERE p.proname = 'mfgos_guard_ownership' AND tgenabled = 'O'"
            )
            guarded = {name for (name,) in cursor.fetchall()}
        assert guarded == {label.lower().replace(".", "_") for label in OWNERSHIP}

    def test_makes_fields_of_the_erp_read_only_in_the_admin(self, item: Item, ours: Item) -> None:
        page = HistoryAdmin(Item, AdminSite())
        request = RequestFactory().get("/")
        assert {"code", "name", "unit", "erp_key"} <= set(page.get_readonly_fields(request, item))
        assert page.get_readonly_fields(request, ours) == []
        assert page.get_readonly_fields(request) == []

    def test_is_printed(self) -> None:
        run(
            switch_ownership,
            make_holder("core.switch_ownership"),
            model="materials.Item",
            field="shelf_life_days",
            owner="mfgos",
        )
        out = StringIO()
        call_command("show_ownership", stdout=out)
        assert "materials.Item  (if the row has a key in the ERP)" in out.getvalue()
        assert "materials.BomLine  (if its bom has a key in the ERP)" in out.getvalue()
        assert "shelf_life_days: handed over to mfgos (everywhere)" in out.getvalue()
