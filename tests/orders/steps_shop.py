"""An order whose operation runs by standard work; each test says which steps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.materials.models import Item
from apps.orders.commands import (
    StepAnswer,
    StepSpec,
    confirm_quantity,
    draft_master,
    publish_master,
    record_step,
    take_edge,
)
from apps.orders.models import DirectiveStep, JobOrder
from apps.plant.models import Purpose
from tests.materials.stock_world import a_unit, make_item
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop, reason, scrap_reason
from tests.world import run

ITEM, OPERATION = "ES-65", "Step 1"


def spec(kind: str, title: str, frequency: str = "per_piece", **more: Any) -> StepSpec:
    return StepSpec(kind=kind, titles={"en": title}, frequency=frequency, **more)


def gap(**more: Any) -> StepSpec:
    limits = {"unit": "mm", "low": Decimal("0.30"), "high": Decimal("0.50"), "aim": Decimal("0.40")}
    return spec("measure", "Measure gap S", **{**limits, **more})


READ = spec("read", "Read what changed", "once")
BOLT = spec("confirm", "Bolt up")
LOOK = spec("confirm", "Look at it", "every_n", every_n=5)


def draft(*steps: StepSpec, **more: Any) -> int:
    item = Item.objects.filter(code=ITEM).first() or make_item(ITEM, kind="made")
    return run(draft_master, SYSTEM, **{"item_id": item.pk, "operation_name": OPERATION, "steps": list(steps), **more})


def publish(*steps: StepSpec, **more: Any) -> int:
    master_id = draft(*steps, **more)
    run(publish_master, SYSTEM, master_id=master_id)
    return master_id


def make_steps_shop(*steps: StepSpec, quantity: int = 24, start: bool = True) -> Shop:
    """WO-1 stays without steps; the shop's job is WO-S, released by the steps and started by Olga."""
    shop = make_shop()
    a_unit()
    publish(*steps)
    job = make_job(shop.world.line, shop.world.station, number="WO-S", quantity=quantity)
    if start:
        run(take_edge, shop.world.olga, job_order_id=job.pk, edge="start", inputs={})
    return Shop(shop.world, JobOrder.objects.get(pk=job.pk))


def step_of(shop: Shop, position: int) -> DirectiveStep:
    return DirectiveStep.objects.get(directive__job_order=shop.job, position=position)


def do(shop: Shop, position: int, value: object = None, **more: Any) -> StepAnswer:
    who = more.pop("who", shop.world.olga)
    given = {} if value is None else {"value": Decimal(str(value))}
    return run(record_step, who, job_order_id=shop.job.pk, step_id=step_of(shop, position).pk, **given, **more)


def book(shop: Shop, good: int = 0, scrap: int = 0) -> object:
    given_ = {"scrap_reason_id": scrap_reason().pk} if scrap else {}
    return run(
        confirm_quantity,
        shop.world.olga,
        job_order_id=shop.job.pk,
        good=Decimal(good),
        scrap=Decimal(scrap),
        **given_,
    )


def take(shop: Shop, edge: str, **inputs: str) -> object:
    return run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge=edge, inputs=inputs)


def complete_short(shop: Shop) -> object:
    return take(shop, "complete_short", reason=reason(Purpose.SHORT_COMPLETION))


def made(shop: Shop) -> tuple[int, int]:
    job = shop.reload()
    return int(job.good_quantity), int(job.scrap_quantity)
