"""Sources of signals and what their tags mean."""

from __future__ import annotations

from typing import Any

from apps.equipment.models import CountedMinute, QuarantinedSignal, SignalMapping, SignalSource
from apps.plant.models import Site, WorkUnit


def make_source(site: Site, code: str = "gateway", transport: str = "rest", **values: Any) -> SignalSource:
    return SignalSource.objects.create(site=site, code=code, transport=transport, **values)


def make_mapping(
    source: SignalSource, unit: WorkUnit, tag: str, meaning: str = "state", **values: Any
) -> SignalMapping:
    return SignalMapping.objects.create(
        source=source,
        site_id=source.site_id,
        work_unit=unit,
        tag=tag,
        meaning=meaning,
        **values,
    )


STATES = {"1": "producing", "2": "stopped", "3": "fault", "0": "idle"}


def make_usual_mappings(source: SignalSource, unit: WorkUnit, code: str = "A33", **values: Any) -> None:
    """{"v": 1, "t": "...", "n": 17} on <code>/state and <code>/good."""
    paths = {"value_path": "v", "time_path": "t", **values}
    make_mapping(source, unit, f"{code}/state", choices=STATES, **paths)
    make_mapping(source, unit, f"{code}/good", "count", counter="good", is_running=True, **paths)
    make_mapping(source, unit, f"{code}/error", "reason", choices={"E7": "mechanical"}, **paths)


def counted(unit: WorkUnit, counter: str = "good") -> int:
    return int(sum(row.quantity for row in CountedMinute.objects.filter(work_unit=unit, counter=counter)))


def kept_out() -> list[tuple[str, str]]:
    return [(row.tag, row.doubt) for row in QuarantinedSignal.objects.order_by("pk")]
