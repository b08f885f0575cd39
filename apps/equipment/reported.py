"""Why machines stood as it had been said by some time: a reason that is corrected later changes no report of before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from apps.core.models import LedgerEvent
from apps.equipment.events import StopClassified, StopSplit


def reasons_at(at: datetime, downtime_ids: Collection[int], reasons: Mapping[int, int | None]) -> dict[int, int | None]:
    """`reasons` by part as they are now, as they were at `at`. One query.

    A part that has been split off since had the reason of the one that it was part of.
    """
    events = LedgerEvent.objects.filter(
        subject_kind=StopClassified.subject_kind,
        subject_id__in=[str(pk) for pk in downtime_ids],
        kind__in=[StopClassified.kind, StopSplit.kind],
        occurred_at__gt=at,
    )
    before: dict[int, int | None] = {}
    split_off: dict[int, int] = {}
    for kind, data in events.order_by("id").values_list("kind", "data"):
        if kind == StopSplit.kind:
            split_off[data["new_part_id"]] = data["part_id"]
        else:
            before.setdefault(data["part_id"], data["old_reason_id"])
    wholes = {part: _whole(part, split_off) for part in reasons}
    return {part: before.get(whole, reasons.get(whole)) for part, whole in wholes.items()}


def _whole(part: int, split_off: Mapping[int, int]) -> int:
    while part in split_off:
        part = split_off[part]
    return part
