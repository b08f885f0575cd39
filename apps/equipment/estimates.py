"""When a stop that goes on is likely to end: by how long stops for the same reason have lasted so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, F
from django.db.models.aggregates import Aggregate
from django.db.models.fields import DurationField
from django.utils.translation import gettext_lazy as _

from apps.equipment.models import Downtime, DowntimePart
from apps.plant.models import ReasonCode

# How many stops say enough about the next one, and how far back they are looked for.
ENOUGH_STOPS = 3
LOOK_BACK = timedelta(days=365)


class Basis(models.TextChoices):
    """Whose past stops an estimate goes by; the nearest of which there are enough."""

    MACHINE = "machine", _("this machine")
    LINE = "line", _("this line")
    ALL = "all", _("all machines")


_COLUMNS = {
    Basis.MACHINE: "downtime__work_unit",
    Basis.LINE: "downtime__work_unit__work_center",
}


@dataclass(frozen=True)
class Usual:
    """The median of so many stops for one reason."""

    length: timedelta
    stops: int
    basis: Basis

    @property
    def minutes(self) -> int:
        """As people say it: at least one."""
        return max(1, round(self.length / timedelta(minutes=1)))


@dataclass(frozen=True)
class Estimate:
    """By the reason of what goes on. `ends_at` is never past: where it should have been over, `is_late`."""

    reason: ReasonCode
    usual: Usual
    ends_at: datetime
    is_late: bool


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def estimates(downtimes: Iterable[Downtime], *, now: datetime) -> dict[int, Estimate]:
    """By downtime, for those that go on and of whose reason enough is known. Four queries, however many they are."""
    going = {downtime.pk: downtime for downtime in downtimes if downtime.ended_at is None}
    parts = (
        DowntimePart.objects.filter(downtime__in=going).order_by("downtime_id", "-started_at").distinct("downtime_id")
    )
    last = [part for part in parts.select_related("reason", "downtime__work_unit") if part.reason_id]
    if not last:
        return {}
    known = _known({part.reason_id for part in last if part.reason_id}, now)
    found: dict[int, Estimate] = {}
    for part in last:
        usual = _usual(known, part)
        if usual is not None and part.reason is not None:
            end = part.started_at + usual.length
            found[part.downtime_id] = Estimate(part.reason, usual, max(now, end), is_late=end < now)
    return found


def estimated_end(downtime: Downtime, *, now: datetime) -> datetime | None:
    """None: it is over, nobody has said why it stands, or too little is known."""
    found = estimates([downtime], now=now).get(downtime.pk)
    return found.ends_at if found else None


Key = tuple[Basis, int, int]


def _known(reasons: Iterable[int], now: datetime) -> Mapping[Key, Usual]:
    """By basis, reason and place (0: everywhere)."""
    past = DowntimePart.objects.filter(
        reason__in=reasons, ended_at__isnull=False, started_at__gte=now - LOOK_BACK, downtime__withdrawn_at=None
    ).order_by()
    figures: dict[str, Any] = {"median": Median(F("ended_at") - F("started_at")), "n": Count("pk")}
    found: dict[Key, Usual] = {}
    for basis in Basis:
        columns = ["reason", *([_COLUMNS[basis]] if basis in _COLUMNS else [])]
        for *where, median, stops in past.values_list(*columns).annotate(**figures):
            if stops >= ENOUGH_STOPS:
                reason, place = where[0], where[1] if len(where) > 1 else 0
                found[basis, reason, place] = Usual(median, stops, basis)
    return found


def _usual(known: Mapping[Key, Usual], part: DowntimePart) -> Usual | None:
    unit = part.downtime.work_unit
    places = {Basis.MACHINE: unit.pk, Basis.LINE: unit.work_center_id, Basis.ALL: 0}
    wanted = ((basis, part.reason_id or 0, place) for basis, place in places.items())
    return next((known[key] for key in wanted if key in known), None)
