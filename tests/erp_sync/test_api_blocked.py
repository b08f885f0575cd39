"""Another system reads which orders are blocked."""

from __future__ import annotations

import pytest

from tests.erp_sync.api_world import make_system
from tests.orders.test_material_use import Store, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return make_store(seals=40)


def test_a_blocked_order_is_told_with_cause_owner_clock_and_cures(store: Store) -> None:
    answer = make_system(store.shop.world.site, scopes=["blocked:read"]).get("blocked/")
    assert answer.status_code == 200
    body = answer.json()
    (row,) = body["results"]
    assert body["total"] == 1
    assert (row["order"], row["operation"], row["line"]) == ("WO-9", 10, "L3")
    assert (row["cause_kind"], row["from_quantity"], row["quantity"]) == ("shortage", "20", "24")
    assert row["owner"] == "duty-desk"
    assert row["deadline_at"] is not None
    assert row["over"] is False
    cures = {cure["code"]: cure for cure in row["cures"]}
    assert cures["run_in_part"]["why_not"] == ""
    assert cures["borrow"]["why_not"].startswith("No SEAL lies at a line")


def test_a_token_of_another_site_reads_nothing_of_here(store: Store) -> None:
    other = make_system(store.shop.world.other_site, scopes=["blocked:read"])
    assert other.get("blocked/").json()["results"] == []
    assert other.get("blocked/?site=S1").status_code == 404


def test_a_token_without_the_scope_is_refused(store: Store) -> None:
    assert make_system(store.shop.world.site, scopes=["items:read"]).get("blocked/").status_code == 403


def test_it_is_narrowed_by_line_and_paged(store: Store) -> None:
    system = make_system(scopes=["blocked:read"])
    assert system.get("blocked/").status_code == 400, "a token of all sites names one"
    assert system.get("blocked/?site=S1&line=L3&limit=1").json()["total"] == 1
    assert system.get("blocked/?site=S1&line=L9").status_code == 404
    assert system.get("blocked/?site=S1&page=2").json()["results"] == []
