"""Material that is short has an owner: one exception for the item, whatever number of orders wait for it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from apps.andon.commands import acknowledge, resolve
from apps.andon.models import ExceptionStatus, FloorException
from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.orders.commands import Need, Operation, release_work_order
from apps.orders.models import Blocker, JobOrder, MaterialRecheck
from apps.orders.tasks import recheck_materials
from apps.workflows.engine import fire
from tests.materials.stock_world import make_location, put_stock
from tests.orders.shop import SYSTEM
from tests.orders.test_material_use import Store, make_store
from tests.world import give_role, make_person, run

pytestmark = pytest.mark.django_db


def order(store: Store, number: str, due_at: datetime | None = None) -> JobOrder:
    released = run(
        release_work_order,
        SYSTEM,
        site_id=store.shop.world.site.pk,
        number=number,
        item_code="PUMP",
        item_name="Pump",
        quantity=Decimal(6),
        unit="pcs",
        due_at=due_at,
        operations=[
            Operation(
                sequence=10,
                name="Assemble",
                work_center_id=store.shop.world.line.pk,
                needs=(Need(item_id=store.seal.pk, per_piece=Decimal(2)),),
            )
        ],
    )
    return JobOrder.objects.get(pk=released.job_order_ids[0])


@command("tests.close_by_force")
def close_by_force(context: Context, *, exception_id: int) -> None:
    context.allow_anyone()
    fire(context, FloorException, exception_id, "end", as_system=True)


def the_shortage() -> FloorException:
    return FloorException.objects.get(cause_kind="shortage")


def seals_arrive(store: Store, quantity: int) -> None:
    put_stock(store.seal, make_location(store.shop.world.site), quantity)
    MaterialRecheck.objects.create(item_id=store.seal.pk)
    recheck_materials.run()


def test_two_orders_that_wait_for_one_item_are_one_exception() -> None:
    store = make_store(seals=4)
    order(store, "WO-10")
    shortage = the_shortage()
    assert "SEAL" in shortage.headline
    assert "2" in shortage.sentence
    assert shortage.blockers.count() == 2
    assert shortage.owner_id is not None


def test_it_closes_by_itself_when_the_material_is_there() -> None:
    store = make_store(seals=4)
    seals_arrive(store, 400)
    assert the_shortage().status == ExceptionStatus.CLOSED
    assert not Blocker.objects.open().exists()


def test_it_stays_open_as_long_as_one_order_waits() -> None:
    store = make_store(seals=4)
    order(store, "WO-10")
    seals_arrive(store, 8)
    assert the_shortage().is_open
    assert the_shortage().blockers.filter(closed_at=None).count() == 1


def test_resolved_by_hand_it_is_not_closed_while_the_material_is_short() -> None:
    store = make_store(seals=4)
    lead = make_person("wim", site=store.shop.world.site)
    give_role(lead, "warehouse", store.shop.world.site)
    run(acknowledge, lead, exception_id=the_shortage().pk)
    run(resolve, lead, exception_id=the_shortage().pk, resolution="material_delivered", cause="supplier")
    assert the_shortage().status == ExceptionStatus.RESOLVED
    seals_arrive(store, 400)
    assert the_shortage().status == ExceptionStatus.CLOSED


def test_who_sees_it_hears_which_order_is_hit_first() -> None:
    store = make_store(seals=4)
    order(store, "WO-LATE", datetime(2031, 1, 1, tzinfo=UTC))
    order(store, "WO-SOON", datetime(2030, 1, 1, tzinfo=UTC))
    shortage = the_shortage()
    hits = shortage.cause.hits([shortage])[shortage.pk]
    assert [hit.reference for hit in hits] == ["WO-SOON", "WO-LATE", "WO-9"]


class TestTheDatabase:
    """`django_db` ends by a rollback, so what is deferred is asked for by name."""

    def test_refuses_an_open_blocker_without_an_exception(self) -> None:
        make_store(seals=4)
        with pytest.raises(IntegrityError), transaction.atomic():
            Blocker.objects.open().update(exception=None)

    def test_refuses_to_close_an_exception_that_a_blocker_hangs_on(self) -> None:
        make_store(seals=4)
        shortage = the_shortage()
        with pytest.raises(CommandRefused) as refused:
            run(close_by_force, SYSTEM, exception_id=shortage.pk)
        assert refused.value.code == "still_there"

    def test_refuses_it_from_sql_too(self) -> None:
        make_store(seals=4)
        shortage = the_shortage()
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('mfgos.fire', %s, true)", [f"andon_floorexception:{shortage.pk}:open:closed"]
            )
            cursor.execute(
                "UPDATE andon_floorexception SET state = 'closed', status = 'closed', closed_at = now() WHERE id = %s",
                [shortage.pk],
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
