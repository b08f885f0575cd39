"""The live parts of the screens: the same for everybody who may see them."""

from __future__ import annotations

from collections.abc import Collection

from django.template.loader import render_to_string
from django.utils import timezone

from apps.core import rights
from apps.core.actors import Actor
from apps.core.live import fragment
from apps.core.prepared import Given, Prepared
from apps.erp_sync.queries import erp_topic
from apps.floor.actions import VIEW_BOARD, VIEW_STATION
from apps.floor.screens import board, station
from apps.floor.trail import erp_mark
from apps.plant.models import WorkCenter, WorkUnit

# What depends on the time only (how long, how late) moves on this often.
TICK_SECONDS = 20
ERP_REST_SECONDS = 1


def _line(key: str) -> WorkCenter | None:
    return _LINE.first(pk=int(key)) if key.isdecimal() else None


def _unit(key: str) -> WorkUnit | None:
    return _UNIT.first(pk=int(key)) if key.isdecimal() else None


_LINE = Prepared(lambda: WorkCenter.objects.select_related("site", "area").filter(pk=Given("pk")))
_UNIT = Prepared(
    lambda: WorkUnit.objects.select_related("site", "work_center__site", "work_center__area").filter(pk=Given("pk"))
)


def may_view_board(actor: Actor, key: str) -> bool:
    line = _line(key)
    return line is not None and rights.may(actor, VIEW_BOARD, line.scope)


def may_view_station(actor: Actor, key: str) -> bool:
    unit = _unit(key)
    return unit is not None and rights.may(actor, VIEW_STATION, unit.scope)


def board_topics(key: str) -> Collection[str]:
    return [f"line:{key}"]


def station_topics(key: str) -> Collection[str]:
    unit = _unit(key)
    # A published workflow or a stopped edge changes the buttons of operations that did not move.
    return [f"line:{unit.work_center_id}", "workflow:job_order"] if unit else []


@fragment("line-board", topics=board_topics, may_view=may_view_board, tick_seconds=TICK_SECONDS)
def line_board(key: str) -> str:
    (line,) = _LINE(pk=int(key))
    with timezone.override(line.site.zone):
        return render_to_string("floor/_board.html", {"board": board(line)})


@fragment("station", topics=station_topics, may_view=may_view_station, tick_seconds=TICK_SECONDS)
def station_fragment(key: str) -> str:
    (unit,) = _UNIT(pk=int(key))
    with timezone.override(unit.site.zone):
        return render_to_string("floor/_station.html", {"station": station(unit)})


def station_erp_topics(key: str) -> Collection[str]:
    unit = _unit(key)
    return [f"line:{unit.work_center_id}", erp_topic(unit.site_id)] if unit else []


# Apart from the station: at a site, postings settle far more often than the mark of one station changes.
@fragment("station-erp", topics=station_erp_topics, may_view=may_view_station, rest_seconds=ERP_REST_SECONDS)
def station_erp(key: str) -> str:
    unit = WorkUnit.objects.get(pk=key)
    return render_to_string("floor/_erp_mark.html", {"mark": erp_mark(unit)})
