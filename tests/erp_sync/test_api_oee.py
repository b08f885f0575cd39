"""Another system reads how the planned time of a line was used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.equipment.machines import at
from tests.erp_sync.api_world import make_system
from tests.floor.test_losses import HOUR, reason, shop
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db
__all__ = ["shop"]


def asked(start: float = 0, end: float = 8 * HOUR, line: str = "L3") -> str:
    times = [at(second).isoformat().replace("+", "%2B") for second in (start, end)]
    return f"oee/?line={line}&from={times[0]}&until={times[1]}"


def test_the_numbers_are_those_of_the_floor(shop: Shop) -> None:
    answer = make_system(shop.world.site, scopes=["oee:read"]).get(asked())
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    (unit,) = body["units"]
    assert (unit["unit"], unit["good"], unit["produced"], unit["failures"]) == ("A33", "190", "200", 2)
    assert sum(unit["losses"].values()) == pytest.approx(unit["planned_seconds"], abs=1e-5)
    assert unit["oee"]["value"] == pytest.approx(190 * 60 / unit["planned_seconds"])
    assert [(why["reason"], why["seconds"]) for why in unit["downtime"]] == [(reason().code, 300.4), ("", 130.3)]
    assert body["line"]["losses"] == unit["losses"]


def test_a_report_of_before_has_the_reasons_that_were_known_then(shop: Shop) -> None:
    system = make_system(shop.world.site, scopes=["oee:read"])
    (unit,) = system.get(f"{asked()}&said_by=2026-06-01T06:00:00Z").json()["units"]
    assert [(why["reason"], why["seconds"]) for why in unit["downtime"]] == [("", pytest.approx(430.7))]
    assert system.get(f"{asked()}&said_by=yesterday").status_code == 400


def test_what_can_not_be_said_is_null_with_a_word(shop: Shop) -> None:
    body = make_system(shop.world.site, scopes=["oee:read"]).get(asked(40 * HOUR, 48 * HOUR)).json()
    assert body["line"]["oee"] == {"value": None, "missing": "no_plan"}


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("oee/?line=L3", 400, "from is a time with its zone"),
        ("oee/?line=L3&from=2026-06-01T06:00:00&until=x", 400, "from is a time with its zone"),
        ("oee/?line=L3&from=2026-13-01T06:00:00Z&until=x", 400, "from is a time with its zone"),
        (asked(0, 40 * 24 * HOUR), 400, "at most 31 days"),
        (asked(10, 5), 400, "until lies after from"),
        (asked(line="L9"), 404, "nothing here"),
        (asked(line=""), 400, "Name the line"),
    ],
)
def test_what_makes_no_sense_is_said(shop: Shop, query: str, status: int, said: str) -> None:
    answer = make_system(shop.world.site, scopes=["oee:read"]).get(query)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_token_without_the_scope_or_of_another_site_reads_nothing(shop: Shop) -> None:
    assert make_system(shop.world.site, scopes=["items:read"]).get(asked()).status_code == 403
    other = make_system(shop.world.other_site, scopes=["oee:read"])
    assert other.get(asked() + "&site=S1").status_code == 404
    assert other.get(asked()).status_code == 404
