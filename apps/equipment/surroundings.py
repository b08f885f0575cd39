"""What is around a machine, its stops and its requests for maintenance, for rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.prepared import Given, Prepared
from apps.equipment.models import Downtime, MaintenanceRequest
from apps.plant.models import WorkUnit
from apps.workflows.kinds import GuardField, ValueType
from apps.workflows.surroundings import Surroundings, around, declare_subject

_UNIT = Prepared(lambda: WorkUnit.objects.select_related("site", "work_center").filter(pk=Given("pk")))
_STOP = Prepared(
    lambda: Downtime.objects.select_related("work_unit__site", "work_unit__work_center").filter(pk=Given("pk"))
)
_REQUEST = Prepared(
    lambda: MaintenanceRequest.objects.select_related("work_unit__site", "work_unit__work_center").filter(
        pk=Given("pk")
    )
)


_AROUND = frozenset({"site_id", "work_center_id", "work_unit_id"})


@around("work_unit", gives=_AROUND)
def _work_unit(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    unit = _UNIT.first(pk=int(subject_id))
    return _around(unit) if unit else None


@around("downtime", gives=_AROUND | {"downtime_id"})
def _downtime(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    stop = _STOP.first(pk=int(subject_id))
    return replace(_around(stop.work_unit, thread=f"downtime:{stop.pk}"), downtime_id=stop.pk) if stop else None


@around("maintenance_request", gives=_AROUND | {"exception_id"})
def _maintenance_request(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    request = _REQUEST.first(pk=int(subject_id))
    if request is None:
        return None
    return _around(request.work_unit, exception_id=request.exception_id)


def _around(unit: WorkUnit, *, thread: str = "", exception_id: int | None = None) -> Surroundings:
    return Surroundings(
        site_id=unit.site_id,
        site=unit.site.code,
        work_center_id=unit.work_center_id,
        line=unit.work_center.code,
        work_unit_id=unit.pk,
        station=unit.code,
        thread=thread,
        exception_id=exception_id,
    )


# ---- how a stop is now


@dataclass(frozen=True)
class StopNow:
    """`told`: when it began, as the event said it that a rule asks about; None: it said nothing of that.

    at  an instant of the past that is asked about; None: now
    """

    stop: Downtime
    told: datetime | None
    at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Signals that came late may have made another stop of it, of which there is an event of its own."""
        stop = self.stop
        over = [moment for moment in (stop.ended_at, stop.withdrawn_at) if moment is not None]
        is_over = any(self.at is None or moment <= self.at for moment in over)
        return not is_over and self.told in (None, stop.started_at)

    @property
    def reason(self) -> str:
        """The last that was said; empty: nobody has said why."""
        part = self.stop.parts.exclude(reason=None).select_related("reason").order_by("-started_at").first()
        return part.reason.code if part and part.reason else ""


def _stop_now(subject_id: str, data: Mapping[str, Any], at: datetime) -> StopNow | None:  # noqa: ARG001
    stop = _STOP.first(pk=int(subject_id))
    told = data.get("started_at")
    return StopNow(stop, datetime.fromisoformat(told) if told else None) if stop else None


declare_subject(
    "downtime",
    find=_stop_now,
    then=lambda stop, at: replace(stop, at=at),
    kept=frozenset({"is_open", "machine"}),
    fields={
        "is_open": GuardField(type=ValueType.BOOLEAN, label=_("goes on"), read=lambda now: now.is_open),
        "reason": GuardField(type=ValueType.TEXT, label=_("why it stands"), read=lambda now: now.reason),
        "machine": GuardField(
            type=ValueType.TEXT,
            label=_("machine, with its site: S1/A33"),
            read=lambda now: f"{now.stop.work_unit.site.code}/{now.stop.work_unit.code}",
        ),
    },
)
