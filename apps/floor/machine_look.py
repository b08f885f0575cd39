"""The stop at a station that somebody there is asked about: the one that goes on, or the last that nobody explained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from apps.core.prepared import Given, Prepared
from apps.equipment.models import Downtime, DowntimePart
from apps.equipment.queries import last_reasons
from apps.plant.models import ReasonCode, WorkUnit

# Older stops that nobody has explained are on the lead's list, no question to who stands here.
ASKED_FOR = timedelta(hours=8)
QUICK = 3


@dataclass(frozen=True)
class Stop:
    """`reason` of what goes on, or went on last; None: not explained, then `quick` are the likeliest."""

    downtime: Downtime
    reason: ReasonCode | None
    quick: list[ReasonCode]

    @property
    def is_over(self) -> bool:
        return self.downtime.ended_at is not None


def stop_at(unit: WorkUnit, at: datetime) -> Stop | None:
    key = _TO_ASK.first(work_unit=unit.pk, since=at - ASKED_FOR)
    if key is None:
        return None
    downtime = Downtime.objects.get(pk=key[0])
    unexplained = downtime.parts.filter(reason=None).exists()
    last = downtime.parts.select_related("reason").order_by("-started_at").first()
    reason = last.reason if last and not unexplained else None
    return Stop(downtime, reason, [] if reason else last_reasons(unit.pk, QUICK))


_TO_ASK = Prepared(
    lambda: (
        DowntimePart.objects.filter(
            Q(downtime__ended_at=None) | Q(reason=None, started_at__gte=Given("since")),
            downtime__work_unit=Given("work_unit"),
            downtime__withdrawn_at=None,
        )
        .order_by("-started_at")
        .values_list("downtime")[:1]
    )
)
