"""A gateway posts signals: each is judged for itself, sent again they count once; a token sends for its own site."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.core import clock
from apps.equipment.models import SignalSource
from tests.equipment.machines import at, intervals, make_machine
from tests.equipment.sources import STATES, counted, kept_out, make_mapping, make_source
from tests.erp_sync.api_world import System, make_system
from tests.world import World, ledger, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    clock.move_to(at(1000), rate=0)
    made = make_world()
    make_machine(made.station, silence_seconds=None)
    source = make_source(made.site, "gateway")
    make_mapping(source, made.station, "press/state", choices=STATES)
    make_mapping(source, made.station, "press/good", "count", counter="good")
    return made


def send(system: System, *signals: Any, source: str = "gateway") -> Any:
    return system.post("signals/", {"source": source, "signals": list(signals)})


def signal(tag: str, value: Any, second: float, **more: Any) -> dict[str, Any]:
    return {"tag": tag, "value": value, "time": at(second).isoformat(), **more}


def test_they_become_states_and_counts_once(world: World) -> None:
    system = make_system(world.site, scopes=["signals:write"])
    batch = [signal("press/state", 1, 5), signal("press/good", 1, 6), signal("press/good", 2, 7, id=18)]
    answer = send(system, *batch)
    assert answer.status_code == 200
    assert answer.json() == {"words": 1, "counts": 2, "known": 0, "reasons": 0, "kept_out": 0}
    assert send(system, *batch).json()["known"] == 2
    assert intervals(world.station) == [("producing", 5, None)]
    assert counted(world.station) == 3
    (event,) = ledger("equipment.machine_state_changed")
    assert (event.agent, event.origin) == (f"erp:{system.token.name}", "machine")


def test_one_without_shape_spoils_no_other(world: World) -> None:
    system = make_system(world.site, scopes=["signals:write"])
    bad = [5, {"tag": 1, "value": 1}, {"tag": "press/state"}, signal("press/state", 1, 5) | {"time": "soon"}]
    answer = send(system, *bad, signal("press/good", 1, 6), signal("press/good", 1, 6, id=[]))
    assert answer.json() == {"words": 0, "counts": 1, "known": 0, "reasons": 0, "kept_out": 5}
    assert [doubt for _tag, doubt in kept_out()] == ["not_readable"] * 3 + ["bad_time", "not_readable"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 422), ({"source": "gateway"}, 422), ({"source": "gateway", "signals": []}, 422),
        ({"source": "gateway", "signals": [1] * 5001}, 413), ({"source": "other", "signals": [1]}, 422),
        ({"source": "gateway", "signals": [1], "x": 1}, 422),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused_whole(body: Any, status: int, world: World) -> None:
    answer = make_system(world.site, scopes=["signals:write"]).post("signals/", json.dumps(body))
    assert answer.status_code == status
    assert kept_out() == []


def test_a_token_sends_for_its_own_site_and_with_its_own_scope(world: World) -> None:
    good = signal("press/good", 1, 6)
    assert send(make_system(world.other_site, scopes=["signals:write"]), good).status_code == 422
    assert send(make_system(world.site, scopes=["signals:read"]), good).status_code == 403
    assert send(make_system(world.site, scopes=["work-centers:write"]), good).status_code == 403
    assert make_system(world.site, scopes=["signals:read"]).get("signals/").status_code == 405
    SignalSource.objects.update(active=False)
    assert send(make_system(world.site, scopes=["signals:write"]), good).status_code == 422
    assert counted(world.station) == 0
