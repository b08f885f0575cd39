"""How pieces go from operation to operation, and what stands in their way; reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from typing import Any

from apps.core.numbers import plain
from apps.materials.queries import available_of, next_receipt
from apps.orders.models import BlockerKind, JobMaterial, JobOrder
from apps.orders.models.job_orders import read_needs
from apps.orders.models.statuses import OVER


@dataclass(frozen=True)
class Obstacle:
    """What a blocker is made of: so many pieces can be made, not the next one."""

    kind: BlockerKind
    from_quantity: Decimal
    facts: dict[str, Any] = field(default_factory=dict)
    cause_key: str = ""


def source_of(job: JobOrder) -> JobOrder | None:
    """The nearest operation before that counts; None: it takes from the order itself."""
    before = job.predecessor
    while before is not None and not before.is_count_point:
        before = before.predecessor
    return before


def uncounted_before(job: JobOrder) -> Iterator[JobOrder]:
    """The operations right before that are no count point, nearest first: what this one books, they have made too."""
    before = job.predecessor
    while before is not None and not before.is_count_point:
        yield before
        before = before.predecessor


def received(job: JobOrder) -> Decimal:
    """Pieces that this operation may have begun by now: the good of the one before, in whole transfer batches.

    An operation that is over sends on all it has; without a transfer quantity it sends nothing before.
    """
    source = source_of(job)
    if source is None:
        return job.most_good
    if source.status in OVER:
        return Decimal(source.good_quantity)
    if source.transfer_quantity is None:
        return Decimal(0)
    batches: Decimal = (source.good_quantity / source.transfer_quantity).to_integral_value(ROUND_FLOOR)
    return batches * Decimal(source.transfer_quantity)


def obstacles(jobs: Collection[JobOrder]) -> dict[int, dict[BlockerKind, Obstacle]]:
    """By operation and kind. One query, one per site where something is needed, and one per item that is short."""
    wanting = [job for job in jobs if job.to_do]
    read_needs(wanting)
    needs = {job.pk: job.needs for job in wanting}
    stock, coming = _stock(jobs, needs), cache(next_receipt)
    return {
        job.pk: {
            obstacle.kind: obstacle
            for obstacle in (
                _short_of_pieces(job),
                _short_of_material(job, needs.get(job.pk, []), stock.get(job.site_id, {}), coming),
            )
            if obstacle
        }
        for job in jobs
    }


def _stock(jobs: Collection[JobOrder], needs: Mapping[int, list[JobMaterial]]) -> dict[int, dict[int, Decimal]]:
    """By site and item, of what is needed there."""
    items: defaultdict[int, set[int]] = defaultdict(set)
    for job in jobs:
        items[job.site_id].update(need.item_id for need in needs.get(job.pk, ()))
    sites = {job.site_id: job.site for job in jobs}
    return {site_id: available_of(wanted, sites[site_id]) for site_id, wanted in items.items() if wanted}


def _short_of_pieces(job: JobOrder) -> Obstacle | None:
    source = source_of(job)
    if source is None or source.status in OVER:
        return None
    have = received(job)
    if have >= job.quantity:
        return None
    return Obstacle(BlockerKind.PREDECESSOR, have, {"operation": source.sequence, "received": plain(have)})


def _short_of_material(
    job: JobOrder, needs: list[JobMaterial], stock: Mapping[int, Decimal], next_of: Callable[..., Any]
) -> Obstacle | None:
    """The item that ends first decides. Stock is not reserved: two operations may see the same piece."""
    if not needs:
        return None
    reach = {need: (stock[need.item_id] / need.per_piece).to_integral_value(ROUND_FLOOR) for need in needs}
    need, pieces = min(reach.items(), key=lambda pair: pair[1])
    if pieces >= job.to_do:
        return None
    short = need.per_piece * job.to_do - stock[need.item_id]
    facts = {"item": need.item.code, "unit": need.item.unit.code, "short": plain(short)}
    if coming := next_of(need.item_id, job.site_id):
        facts |= {
            "coming": plain(coming.stock_quantity),
            "day": coming.due_on.isoformat() if coming.due_on else "",
            "document": coming.document,
        }
    return Obstacle(BlockerKind.MATERIAL, job.made + max(Decimal(0), pieces), facts, str(need.item_id))
