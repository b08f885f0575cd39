"""Another system reads which machines stand now, why, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.equipment.commands import classify_stop
from apps.plant.models import ReasonCode
from tests.equipment.test_estimates import past, reason, stopped, world
from tests.erp_sync.api_world import make_system
from tests.world import World, run

pytestmark = pytest.mark.django_db
__all__ = ["world"]


def explained(world: World) -> ReasonCode:
    downtime = stopped(world)
    media = reason("media")
    run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=media.pk)
    return media


def test_a_stop_is_told_with_its_reason_and_when_it_is_likely_to_end(world: World) -> None:
    media = explained(world)
    past(world.station, "media", 400, 900, 900)
    answer = make_system(world.site, scopes=["downtimes:read"]).get("downtimes/")
    assert answer.status_code == 200
    assert answer.json()["total"] == 1
    (row,) = answer.json()["results"]
    assert (row["line"], row["station"], row["reason"], row["reason_name"]) == ("L3", "A33", "media", media.label("en"))
    assert row["since"] == "2026-06-01T06:01:40Z"
    assert row["estimate"] == {
        "ends_at": "2026-06-01T06:16:40Z",
        "late": False,
        "usual_seconds": timedelta(minutes=15).total_seconds(),
        "stops": 3,
        "basis": "machine",
    }


def test_without_a_reason_or_enough_stops_there_is_no_estimate(world: World) -> None:
    system = make_system(world.site, scopes=["downtimes:read"])
    stopped(world)
    (row,) = system.get("downtimes/").json()["results"]
    assert (row["reason"], row["reason_name"], row["estimate"]) == (None, None, None)


def test_a_token_of_another_site_or_without_the_scope_reads_nothing_of_here(world: World) -> None:
    stopped(world)
    other = make_system(world.other_site, scopes=["downtimes:read"])
    assert other.get("downtimes/").json() == {"total": 0, "results": []}
    assert other.get("downtimes/?site=S1").status_code == 404
    assert make_system(world.site, scopes=["items:read"]).get("downtimes/").status_code == 403


def test_it_is_narrowed_by_line_and_area_and_paged(world: World) -> None:
    stopped(world)
    system = make_system(scopes=["downtimes:read"])
    assert system.get("downtimes/").status_code == 400, "a token of all sites names one"
    for query, total in (("line=L3", 1), ("area=A1", 1), ("page=2", 1)):
        assert system.get(f"downtimes/?site=S1&{query}").json()["total"] == total
    assert system.get("downtimes/?site=S1&page=2").json()["results"] == []
    assert system.get("downtimes/?site=S1&line=L9").status_code == 404
