"""A released order on a line, ready for somebody to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from apps.core.actors import Actor
from apps.orders.commands import Operation, release_work_order
from apps.orders.models import JobOrder, WorkOrder
from apps.plant.models import Purpose, ReasonCode, WorkCenter, WorkUnit
from tests.seeded import seed_plant
from tests.world import World, make_world, run

DUE = datetime(2030, 1, 7, 14, tzinfo=UTC)
SYSTEM = Actor.system("tests")


@dataclass(frozen=True)
class Shop:
    world: World
    job: JobOrder

    def reload(self) -> JobOrder:
        return JobOrder.objects.get(pk=self.job.pk)


def make_shop(quantity: int = 24) -> Shop:
    """The seeded roles and workflow, the cast, and order WO-1 with one operation at station A33."""
    seed_plant()
    world = make_world()
    return Shop(world, make_job(world.line, world.station, quantity=quantity))


def make_job(
    line: WorkCenter,
    station: WorkUnit | None,
    *,
    number: str = "WO-1",
    quantity: int = 24,
    due_at: datetime | None = DUE,
    operations: int = 1,
    customer: str = "",
) -> JobOrder:
    """The first operation of a new order."""
    released = run(
        release_work_order,
        SYSTEM,
        site_id=line.site_id,
        number=number,
        item_code="ES-65",
        item_name="Pump ES 65",
        quantity=Decimal(quantity),
        unit="pcs",
        due_at=due_at,
        customer=customer,
        operations=[
            Operation(
                sequence=10 * n,
                name=f"Step {n}",
                work_center_id=line.pk,
                work_unit_id=station.pk if station else None,
            )
            for n in range(1, operations + 1)
        ],
    )
    return JobOrder.objects.get(pk=released.job_order_ids[0])


def scrap_reason() -> ReasonCode:
    return ReasonCode.objects.choosable(Purpose.SCRAP)[0]


def reason(purpose: Purpose) -> str:
    return ReasonCode.objects.choosable(purpose)[0].code


def order_of(job: JobOrder) -> WorkOrder:
    return WorkOrder.objects.get(pk=job.work_order_id)
