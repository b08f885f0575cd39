"""A site with an ERP that is a stub, orders of that ERP, and somebody who works on them."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from apps.core.actors import Actor, Origin
from apps.erp_sync import delivery, registry
from apps.erp_sync.commands import connect_erp
from apps.erp_sync.models import ErpEmployee, ErpLink, Posting, PostingState
from apps.materials.models import Item, Location
from apps.orders.commands import Need, Operation, confirm_quantity, release_work_order, take_edge
from apps.orders.models import JobOrder
from tests.erp_sync.stub import StubErp
from tests.materials.stock_world import as_erp, make_unit
from tests.seeded import seed_plant
from tests.world import World, make_world, run

ERP = Actor.system("erp:stub", Origin.ERP)
SYSTEM = Actor.system("tests")
OPEN = (PostingState.QUEUED, PostingState.LEASED)


@dataclass
class Outbox:
    world: World
    erp: StubErp
    link: ErpLink
    item: Item
    orders: int = 0
    jobs: list[JobOrder] = field(default_factory=list)

    def order(self, quantity: int = 4, operations: int = 1, **more: Any) -> JobOrder:
        """A new order of the ERP; its first operation."""
        self.orders += 1
        number, line = self.orders, self.world.line
        needs = more.pop("needs", ())
        released = run(
            release_work_order,
            more.pop("who", ERP),
            site_id=line.site_id,
            number=f"WO-{number}",
            item_code=self.item.code,
            item_name=self.item.name,
            quantity=Decimal(quantity),
            unit="u",
            due_at=None,
            operations=[
                Operation(
                    sequence=10 * n,
                    name=f"Step {n}",
                    work_center_id=line.pk,
                    needs=needs if n == 1 else (),
                    erp_key=f"production.work,{number}{n}" if more.get("erp_key", "theirs") else "",
                )
                for n in range(1, operations + 1)
            ],
            **{"item_id": self.item.pk, "erp_key": f"production,{number}", **more},
        )
        self.jobs = list(JobOrder.objects.filter(pk__in=released.job_order_ids).order_by("sequence"))
        return self.jobs[0]

    def start(self, job: JobOrder) -> None:
        run(take_edge, self.world.olga, job_order_id=job.pk, edge="start", inputs={})

    def book(self, job: JobOrder, good: int = 1, scrap: int = 0, **more: Any) -> None:
        run(
            confirm_quantity,
            self.world.olga,
            job_order_id=job.pk,
            good=Decimal(good),
            scrap=Decimal(scrap),
            **more,
        )

    def complete(self, job: JobOrder) -> None:
        run(take_edge, self.world.olga, job_order_id=job.pk, edge="complete", inputs={})

    def work(self, quantity: int = 4) -> JobOrder:
        """One order from start to end, a piece at a time: a start, a time and a piece each, a last time, a finish."""
        job = self.order(quantity)
        self.start(job)
        for _ in range(quantity):
            self.book(job)
        self.complete(job)
        return job

    def is_right(self) -> None:
        """Every posting had exactly one effect, in the order of its thread."""
        assert self.erp.doubled() == {}
        postings = {str(posting.key): posting for posting in Posting.objects.filter(state=PostingState.POSTED)}
        effects = self.erp.effects()
        assert {key for key, _ in effects} == set(postings)
        seen: defaultdict[str, list[int | None]] = defaultdict(list)
        for key, _ in effects:
            seen[postings[key].thread].append(postings[key].sequence)
        assert dict(seen) == {thread: sorted(places, key=lambda place: place or 0) for thread, places in seen.items()}


def make_outbox(path: Any, *, deduping: bool = True, policy: dict[str, Any] | None = None) -> Outbox:
    """Registers the stub as the ERP "stub"."""
    seed_plant()
    world, erp = make_world(), StubErp(path, deduping=deduping)
    registry.CONNECTORS["stub"] = lambda link, password: StubErp(path, deduping=deduping)
    os.environ["STUB_PASSWORD"] = "x"
    link = run(
        connect_erp,
        SYSTEM,
        site_id=world.site.pk,
        system="stub",
        host="h",
        port=1,
        database="d",
        user="u",
        password_env="STUB_PASSWORD",
        policy=policy or {},
    )
    # In the ERP she is somebody; whoever is not has a time that waits for a clerk.
    ErpEmployee.objects.create(link_id=link, erp_key="company.employee,7", name="O.", person=world.olga)
    unit = make_unit("u")
    item = erp_item("ROTOR-10", unit)
    return Outbox(world, erp, ErpLink.objects.get(pk=link), item)


def erp_item(code: str, unit: Any, **more: Any) -> Item:
    with transaction.atomic(), as_erp():
        number = Item.objects.count() + 1
        return Item.objects.create(code=code, name=code, unit=unit, erp_key=f"product.product,{number}", **more)


def erp_location(site: Any, code: str = "R1") -> Location:
    with transaction.atomic(), as_erp():
        return Location.objects.create(
            site=site, code=code, name=code, erp_key=f"stock.location,{Location.objects.count()}"
        )


def need(item: Item, per_piece: int = 1) -> Need:
    return Need(item_id=item.pk, per_piece=Decimal(per_piece))


def deliver_all(seconds: float = 30, until: Callable[[], bool] | None = None) -> None:
    """Delivers until nothing waits any more, in this thread."""
    end = time.monotonic() + seconds
    done = until or (lambda: not Posting.objects.filter(state__in=OPEN).exists())
    while not done():
        assert time.monotonic() < end, list(Posting.objects.filter(state__in=OPEN).values_list("state", "last_error"))
        if not delivery.deliver_next():
            time.sleep(0.01)


def lanes(count: int, seconds: float = 60) -> None:
    """The same by so many threads, each with its own connection."""
    errors: list[BaseException] = []

    def lane() -> None:
        try:
            deliver_all(seconds)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=lane) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
