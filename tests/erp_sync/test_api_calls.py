"""What is sent arrives once, whole or not at all, and each refusal says which row and what is wrong with it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from apps.core.models import LedgerEvent
from apps.erp_sync.api import taking
from apps.erp_sync.models import ApiCall, RefusedMessage
from apps.erp_sync.tasks import prune_calls, prune_refused_messages
from apps.materials.models import Bom, Item, StockSnapshot, Unit
from tests.erp_sync.api_world import KG, PIECE, PUMP, ROTOR, System, make_system, outcomes, rejected
from tests.world import make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def erp() -> System:
    system = make_system()
    assert system.send("units", PIECE, KG).status_code == 200
    return system


def problem(answer: Any, status: int, code: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    if code:
        assert body["type"] == f"urn:mfgos:problem:{code}"
    return body


class TestRows:
    def test_are_created_changed_and_left_alone(self, erp: System) -> None:
        assert outcomes(erp.send("items", PUMP, ROTOR)) == ["created", "created"]
        events = LedgerEvent.objects.count()
        assert outcomes(erp.send("items", PUMP, ROTOR)) == ["unchanged", "unchanged"]
        assert LedgerEvent.objects.count() == events
        assert outcomes(erp.send("items", {**PUMP, "name": "Pump 2"})) == ["updated"]
        assert Item.objects.get(code="PUMP").name == "Pump 2"

    def test_that_are_older_never_overwrite(self, erp: System) -> None:
        erp.send("items", PUMP)
        answer = erp.send("items", {**PUMP, "name": "Old", "version_at": "2026-11-22T11:00:00Z"})
        assert outcomes(answer) == ["stale"]
        assert Item.objects.get().name == "Pump"

    def test_are_all_or_none_unless_each_is_asked(self, erp: System) -> None:
        wrong = {**ROTOR, "unit": "unit,9"}
        assert rejected(erp.send("items", PUMP, wrong)) == [(1, "unit")]
        assert not Item.objects.exists()
        assert rejected(erp.send("items", PUMP, wrong, query="?mode=each")) == [(1, "unit")]
        assert [item.code for item in Item.objects.all()] == ["PUMP"]

    def test_of_a_wrong_shape_stop_the_others_only_where_all_was_asked(self, erp: System) -> None:
        wrong = {**ROTOR, "lot_tracked": "perhaps"}
        assert rejected(erp.send("items", PUMP, wrong)) == [(1, "lot_tracked")]
        assert not Item.objects.exists()
        assert outcomes(erp.send("items", wrong, PUMP, query="?mode=each")) == ["rejected", "created"]

    def test_are_only_judged_in_a_dry_run(self, erp: System) -> None:
        answer = erp.send("items", PUMP, query="?dry_run=1")
        assert (outcomes(answer), answer.json()["written"]) == (["created"], False)
        assert not Item.objects.exists()

    def test_are_read_back_as_they_were_sent(self, erp: System) -> None:
        erp.send("items", PUMP, ROTOR)
        first = erp.get("items/?limit=1").json()
        second = erp.get(f"items/?limit=1&after={first['next']}").json()
        assert [row["key"] for row in first["results"] + second["results"]] == ["p,1", "p,2"]
        assert second["next"] is None
        assert erp.get("items/p,1/").json() == PUMP | {
            "lot_tracked": False,
            "shelf_life_days": None,
            "active": True,
            "units": [],
        }
        problem(erp.get("items/p,9/"), 404)


class TestAKey:
    def test_is_needed(self, erp: System) -> None:
        answer = Client().post(
            "/api/v1/items/",
            json.dumps({"rows": [PUMP]}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {erp.secret}"},
        )
        problem(answer, 400, "idempotency_key_missing")

    def test_gives_the_same_answer_again(self, erp: System) -> None:
        first = erp.send("items", PUMP, key="k")
        again = erp.send("items", PUMP, key="k")
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert outcomes(again) == ["created"]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_gives_the_same_refusal_again(self, erp: System) -> None:
        wrong = {**PUMP, "unit": "unit,9"}
        first = erp.send("items", wrong, key="k")
        erp.send("units", {**PIECE, "key": "unit,9", "code": "new"})
        again = erp.send("items", wrong, key="k")
        assert (again.status_code, again.json()) == (422, first.json())
        problem(again, 422, "rows_rejected")
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_is_no_other_body_s(self, erp: System) -> None:
        erp.send("items", PUMP, key="k")
        problem(erp.send("items", ROTOR, key="k"), 422, "idempotency_key_reused")
        problem(erp.send("items", PUMP, key="k", query="?dry_run=1"), 422, "idempotency_key_reused")
        assert Item.objects.count() == 1

    def test_counts_by_content_not_by_spelling(self, erp: System) -> None:
        erp.post("items/", json.dumps({"rows": [PUMP]}, indent=3), key="k")
        again = erp.post("items/", json.dumps({"rows": [dict(reversed(PUMP.items()))]}), key="k")
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_of_another_token_or_address_is_another(self, erp: System) -> None:
        erp.send("items", PUMP, key="k")
        assert outcomes(make_system().send("items", PUMP, key="k")) == ["unchanged"]
        assert "Idempotent-Replayed" not in erp.send("units", PIECE, key="k").headers

    def test_is_answered_from_the_receipt_after_a_crash_before_the_answer_was_kept(self, erp: System) -> None:
        erp.send("items", PUMP, key="k")
        ApiCall.objects.filter(key="k").delete()
        assert outcomes(erp.send("items", PUMP, key="k")) == ["created"]

    def test_is_not_spent_by_a_failure_here(self, erp: System, monkeypatch: Any) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(taking, "_read_rows", lambda *args: 1 / 0)
            problem(erp.send("items", PUMP, key="k"), 500, "failed")
        assert outcomes(erp.send("items", PUMP, key="k")) == ["created"]


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_with_one_key_have_one_effect() -> None:
    erp = make_system()

    def send(_number: int) -> tuple[int, str]:
        try:
            answer = erp.send("units", PIECE, key="one")
            return answer.status_code, answer.headers.get("Idempotent-Replayed", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    assert {status for status, _replayed in answers} <= {200, 409}
    assert answers.count((200, "")) == 1
    assert Unit.objects.count() == 1
    assert LedgerEvent.objects.filter(kind="materials.master_data_taken").count() == 1
    assert send(51) == (200, "true")


class TestRefusedWithAWord:
    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("{", 400),
            ('{"rows": [NaN]}', 400),
            ("[" * 100_000, 400),
            (b"\xff\xfe", 400),
            ("[]", 422),
            ('{"rows": {}}', 422),
            ('{"rows": []}', 422),
            ('{"rows": [1, null, "x", []]}', 422),
            ('{"rows": [], "surprise": 1}', 422),
            ("null", 422),
        ],
    )
    def test_what_is_no_delivery(self, erp: System, text: str | bytes, status: int) -> None:
        problem(erp.post("items/", text), status)

    def test_another_media_type(self, erp: System) -> None:
        problem(erp.post("items/", "<a/>", content_type="text/xml"), 415)

    def test_another_method(self, erp: System) -> None:
        answer = Client().delete("/api/v1/items/", headers=erp.headers())
        problem(answer, 405)
        assert "POST" in answer.headers["Allow"]

    def test_another_address(self, erp: System) -> None:
        problem(erp.get("people/"), 404)
        problem(erp.get(""), 404)

    def test_another_query(self, erp: System) -> None:
        problem(erp.send("items", PUMP, query="?mode=some"), 400)
        problem(erp.send("items", PUMP, query="?dryrun=1"), 400)
        for query in ("limit=0", "limit=1001", "after=x", "after=-1", "after=99999999999999999999"):
            problem(erp.get(f"items/?{query}"), 400)

    def test_more_than_a_thousand_rows(self, erp: System) -> None:
        problem(erp.send("items", *[PUMP] * 1001), 413)

    def test_more_than_ten_megabytes(self, erp: System) -> None:
        problem(erp.post("items/", b" " * (10 * 1024 * 1024 + 1)), 413, "too_large")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"code": 7}, "code"),
            ({"code": None}, "code"),
            ({"name": "x" * 300}, "name"),
            ({"name": "a\0b"}, "name"),
            ({"shelf_life_days": -1}, "shelf_life_days"),
            ({"kind": "grown"}, "kind"),
            ({"unit": "unit,9"}, "unit"),
            ({"version_at": "2026-11-22T12:00:00"}, "version_at"),
            ({"price": "1"}, "price"),
            ({"units": [{"unit": "unit,2", "factor": "x"}]}, "units[0].factor"),
            ({"units": [{"unit": "unit,2", "factor": "-1"}]}, "units"),
            ({"key": ""}, "key"),
        ],
    )
    def test_a_row_by_its_field(self, erp: System, change: dict[str, Any], field: str) -> None:
        answer = erp.send("items", ROTOR, {**PUMP, **change})
        problem(answer, 422, "rows_rejected")
        assert rejected(answer) == [(1, field)]
        assert not Item.objects.exists()

    def test_a_parts_list_that_goes_into_itself_or_can_not_be_counted(self, erp: System) -> None:
        erp.send("items", PUMP, ROTOR)
        line = {"item": "p,2", "quantity": "1", "unit": "unit,1", "position": 1}
        bom = {"key": "b,1", "item": "p,1", "code": "B", "quantity": "1", "lines": [line]}
        for wrong in ({"item": "p,1"}, {"quantity": "-1"}, {"unit": "unit,2"}, {"item": "p,9"}):
            answer = erp.send("boms", {**bom, "lines": [line | wrong]})
            assert rejected(answer) == [(0, "lines")], wrong
        assert not Bom.objects.exists()
        assert erp.send("boms", bom).status_code == 200

    def test_a_refusal_is_kept_for_a_person(self, erp: System) -> None:
        erp.send("items", {**PUMP, "unit": "unit,9"})
        erp.post("items/", "{" + "x" * 50_000)
        erp.send("items", {**PUMP, "unit": "unit,9"}, query="?mode=each")
        rows, broken, partly = RefusedMessage.objects.order_by("pk")
        assert (rows.status, rows.problem["results"][0]["field"]) == (422, "unit")
        assert "PUMP" in rows.body
        assert (broken.status, len(broken.body)) == (400, 20_000)
        assert partly.problem["counts"] == {"rejected": 1}


def test_stock_and_lots_come_in_by_place(erp: System) -> None:
    make_site("S1")
    erp.send("items", {**PUMP, "lot_tracked": True})
    erp.send("lots", {"key": "lot,1", "item": "p,1", "number": "L1"})
    erp.send("locations", {"key": "l,1", "code": "STORE", "name": "Store", "kind": "storage"}, site="S1")
    row = {"item": "p,1", "location": "l,1", "lot": "lot,1", "quantity": "12.5", "unit": "unit,1"}
    body = {"site": "S1", "as_of": "2026-11-22T12:00:00Z"}
    assert outcomes(erp.send("stock", row, **body)) == ["created"]
    assert outcomes(erp.send("stock", {**row, "quantity": "1"}, **body | {"as_of": "2026-11-22T11:00:00Z"})) == [
        "stale"
    ]
    assert StockSnapshot.objects.get().quantity == 12.5
    assert erp.get("stock/p,1/").json()["quantity"] == "12.5"
    assert problem(erp.send("stock", row, site="S1"), 422)["field"] == "as_of"
    assert problem(erp.send("stock", row, as_of="2026-11-22T12:00:00Z"), 422)["field"] == "site"


def test_the_document_is_served_to_who_holds_a_token(erp: System) -> None:
    answer = erp.get("schema/")
    assert answer.status_code == 200
    assert b"openapi: 3.1.0" in answer.content


def test_answers_and_refused_messages_go_when_nobody_asks_for_them_any_more(db: None) -> None:
    system = make_system()
    old, new = "POST /old", "POST /new"
    for path, days in ((old, 31), (new, 29)):
        call = ApiCall.objects.create(token=system.token, method="POST", path=path, key="k", status=200, answer={})
        ApiCall.objects.filter(pk=call.pk).update(recorded_at=Now() - timedelta(days=days))
    for path, days in ((old, 181), (new, 179)):
        message = RefusedMessage.objects.create(token=system.token, method="POST", path=path, status=422, problem={})
        RefusedMessage.objects.filter(pk=message.pk).update(received_at=Now() - timedelta(days=days))
    assert (prune_calls.run(), prune_refused_messages.run()) == (1, 1)
    assert [row.path for row in (*ApiCall.objects.all(), *RefusedMessage.objects.all())] == [new, new]
    assert (prune_calls.run(), prune_refused_messages.run()) == (0, 0)
