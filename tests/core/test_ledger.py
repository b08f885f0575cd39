"""Promise 5: the history is append-only for everybody who can reach the database as the product does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.actors import Origin
from apps.core.models import LedgerEvent
from apps.core.privileges import append_only_models

WRITES = ["UPDATE", "DELETE", "TRUNCATE"]


def an_event() -> LedgerEvent:
    return LedgerEvent.objects.create(
        kind="tests.happened", subject_kind="thing", subject_id="1", origin=Origin.CHOSEN, occurred_at=clock.now()
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE core_ledgerevent SET kind = 'other'",
        "DELETE FROM core_ledgerevent",
        "TRUNCATE core_ledgerevent",
    ],
)
class TestNobodyRewritesTheLedger:
    def test_as_the_web(self, attack: str) -> None:
        an_event()
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(attack)
        assert LedgerEvent.objects.get().kind == "tests.happened"

    def test_as_the_owner_of_the_tables(self, attack: str) -> None:
        an_event()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(attack)
        assert LedgerEvent.objects.get().kind == "tests.happened"

    def test_with_the_trigger_library_told_to_ignore_all(self, attack: str) -> None:
        an_event()
        names = [f"core.LedgerEvent:{trigger.name}" for trigger in LedgerEvent._meta.triggers]
        pgids = [trigger.get_pgid(LedgerEvent) for trigger in LedgerEvent._meta.triggers]
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(names + pgids) + "}"])
            cursor.execute(attack)


@pytest.mark.django_db
def test_the_web_has_no_right_to_change_the_ledger_or_any_history_table() -> None:
    models = append_only_models()
    assert LedgerEvent in models
    assert all(model in models for model in connection_history_models()), (
        "a history table without the append-only triggers"
    )
    with connection.cursor() as cursor:
        for model in models:
            for privilege in WRITES:
                cursor.execute("SELECT has_table_privilege('mfgos_app', %s, %s)", [model._meta.db_table, privilege])
                assert cursor.fetchone() == (False,), f"mfgos_app may {privilege} {model._meta.db_table}"
            cursor.execute("SELECT has_table_privilege('mfgos_app', %s, 'INSERT')", [model._meta.db_table])
            assert cursor.fetchone() == (True,)


def connection_history_models() -> list[Any]:
    from django.apps import apps

    return [model for model in apps.get_models() if hasattr(model, "history_type") or "Historical" in model.__name__]


class TestEveryKindOfTestRunsAsTheWeb:
    @pytest.mark.django_db
    def test_rollback(self) -> None:
        assert current_user() == "mfgos_app"

    @pytest.mark.django_db(transaction=True)
    def test_transactional(self) -> None:
        assert current_user() == "mfgos_app"

    @pytest.mark.django_db(transaction=True)
    def test_thread(self) -> None:
        seen: list[str] = []

        def look() -> None:
            seen.append(current_user())
            connection.close()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == ["mfgos_app"]


def current_user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])
