"""What a real Tryton holds is read into a site: once, again without a change, and whatever changes after that."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.erp_sync.models import ErpEmployee, Reading, Unread
from apps.materials.models import ExpectedReceipt, Item, Location, Lot, StockSnapshot
from apps.materials.queries import stock
from apps.orders.models import JobMaterial, JobOrder, WorkOrder
from apps.plant.models import WorkUnit
from tests.tryton import Tryton, seed
from tests.tryton.linked import linked_world, read_all

pytestmark = [pytest.mark.erp, pytest.mark.django_db(transaction=True)]
pytest_plugins = ["tests.tryton.plant"]


def test_everything_is_read_once_and_a_second_reading_changes_nothing(tryton: Tryton) -> None:
    world, link = linked_world(tryton)
    found = read_all(link)
    assert list(Unread.objects.values_list("kind", "erp_key", "sentence")) == []
    assert list(Reading.objects.exclude(problem="").values_list("kind", "problem")) == []
    assert found["order"] == (3, 0, 0)
    order = WorkOrder.objects.get(number="WO-1001")
    assert (order.item_code, order.quantity, order.site_id) == ("PUMP-100", 10, world.site.pk)
    assert order.due_at is not None
    assert order.due_at.astimezone(world.site.zone).date() == seed.today() + timedelta(days=3)
    assert order.receipt_location is not None
    assert order.receipt_location.code == "STO"
    jobs = JobOrder.objects.filter(work_order=order).order_by("sequence")
    assert [(job.sequence, job.name, job.work_unit.code, job.status) for job in jobs] == [
        (10, "Mill housing", "CNC-1", "ready"),
        (20, "Assemble", "ASM-1", "waiting"),
        (30, "Pressure test", "TEST-1", "waiting"),
    ]
    assert all(job.erp_key.startswith("production.work,") for job in jobs)
    needs = {n.item.code: n.per_piece for n in JobMaterial.objects.filter(job_order=jobs[0]).select_related("item")}
    assert needs == {"ROTOR-10": 1, "CAST-01": 1, "SEAL-07": 1, "BOLT-M8": 8, "OIL-46": Decimal("0.25")}
    assert WorkUnit.objects.get(code="CNC-1").work_center.name == "Plant 1"
    lying = {(line.item_id, line.location_id, line.lot_id): line.quantity for line in stock(world.site.pk)}
    rack, lot = Location.objects.get(code="RACK-B"), Lot.objects.get(number="S-4471")
    assert lying[Item.objects.get(code="SEAL-07").pk, rack.pk, lot.pk] == 300
    (expected,) = ExpectedReceipt.objects.all()
    assert (expected.document, expected.supplier, expected.stock_quantity) == ("PU-5001", "Foundry North", 100)
    assert set(seed.PEOPLE) <= set(ErpEmployee.objects.values_list("name", flat=True))
    before = list(StockSnapshot.objects.values_list("pk", "stock_quantity", "as_of"))
    again = read_all(link)
    assert {kind: counts for kind, counts in again.items() if any(counts)} == {}
    assert list(StockSnapshot.objects.values_list("pk", "stock_quantity", "as_of")) == before


def test_what_changes_there_changes_here(tryton: Tryton) -> None:
    world, link = linked_world(tryton)
    read_all(link)
    admin = tryton.client("admin", tryton.admin_password)
    late = seed.today() + timedelta(days=20)
    made = seed.order(admin, "WO-2001", "ROTOR-10", 7)
    assert "order" not in read_all(link) or not WorkOrder.objects.filter(number="WO-2001").exists()
    admin.call("model.production.wait", [made])
    admin.call("model.production.write", [made], {"planned_date": late})
    assert read_all(link)["order"] == (1, 0, 0)
    order = WorkOrder.objects.get(number="WO-2001")
    assert order.due_at == datetime.combine(
        late + timedelta(days=1), datetime.min.time(), tzinfo=world.site.zone
    ) - timedelta(minutes=1)
    admin.call("model.production.cancel", [made])
    read_all(link)
    assert set(order.job_orders.values_list("status", flat=True)) == {"cancelled"}


def test_an_erp_that_does_not_answer_is_said_and_read_on_when_it_does(tryton: Tryton) -> None:
    _, link = linked_world(tryton)
    tryton.stop()
    assert read_all(link) == {}
    assert Reading.objects.get(kind="unit").problem
    tryton.restart()
    assert read_all(link)["order"][0] >= 3
    assert not Reading.objects.exclude(problem="").exists()
