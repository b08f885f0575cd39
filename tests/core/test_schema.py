"""Tables made together: in any order, with their triggers, and Django's picture of them drawn once."""

from __future__ import annotations

from typing import Any

import pgtrigger
import pytest
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from pgtrigger.compiler import Trigger, UpsertTriggerSql

from apps.core.schema import CreateTables

APP = "core"


def a_trigger(table: str) -> Trigger:
    statement = UpsertTriggerSql(
        execute="mfgos_refuse_change()",
        func="RETURN NULL;",
        hash="1",
        operation="DELETE",
        pgid=f"stays_{table}",
        table=table,
        when="BEFORE",
    )
    return Trigger(name="stays", sql=statement)


def a_table(name: str, other: str) -> CreateModel:
    return CreateModel(
        name=name,
        fields=[("id", models.BigAutoField(primary_key=True)), ("other", models.ForeignKey(other, models.PROTECT))],
        options={"triggers": [a_trigger(f"core_{name.lower()}")]},
    )


def hen_and_egg() -> CreateTables:
    """Each points at the other, so that neither can be made first."""
    return CreateTables([a_table("Hen", "core.egg"), a_table("Egg", "core.hen")])


def a_state() -> ProjectState:
    """As a migration finds it: rendered, with tables of others."""
    state = ProjectState()
    for number in range(10):
        state.add_model(ModelState(APP, f"Before{number}", [("id", models.BigAutoField(primary_key=True))]))
    assert len(state.apps.get_models()) == 10
    return state


def statements(operation: CreateTables, *, back: bool = False) -> list[str]:
    before = a_state()
    after = before.clone()
    operation.state_forwards(APP, after)
    with connection.schema_editor(collect_sql=True) as editor:
        if back:
            operation.database_backwards(APP, editor, after, before)
        else:
            operation.database_forwards(APP, editor, before, after)
    return [statement for statement in editor.collected_sql if not statement.startswith("--")]


def positions(found: list[str], *beginnings: str) -> list[int]:
    return [next(n for n, statement in enumerate(found) if beginning in statement) for beginning in beginnings]


@pytest.mark.django_db
class TestTablesMadeTogether:
    def test_they_may_point_at_each_other_and_each_has_its_trigger(self) -> None:
        found = statements(hen_and_egg())
        for table in ("core_hen", "core_egg"):
            linked = f'ALTER TABLE "{table}" ADD CONSTRAINT'
            order = positions(found, f'CREATE TABLE "{table}"', f"COMMENT ON TRIGGER stays_{table}", linked)
            assert order == sorted({*order})
        made = positions(found, 'CREATE TABLE "core_hen"', 'CREATE TABLE "core_egg"')
        assert max(made) < min(n for n, statement in enumerate(found) if "FOREIGN KEY" in statement)

    def test_taken_back_they_are_gone_the_last_one_first(self) -> None:
        found = statements(hen_and_egg(), back=True)
        assert positions(found, 'DROP TABLE "core_egg"', 'DROP TABLE "core_hen"') == [0, 1]

    def test_each_model_is_rendered_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        state = a_state()
        rendered: list[str] = []
        render = ModelState.render

        def counted(model: ModelState, apps: Any) -> Any:
            rendered.append(model.name)
            return render(model, apps)

        monkeypatch.setattr(ModelState, "render", counted)
        hen_and_egg().state_forwards(APP, state)
        assert {"Hen", "Egg"} <= {model.__name__ for model in state.apps.get_models()}
        assert sorted(rendered) == sorted({*rendered})

    def test_the_state_knows_the_triggers(self) -> None:
        state = a_state()
        hen_and_egg().state_forwards(APP, state)
        assert state.models[APP, "hen"].options["triggers"] == [a_trigger("core_hen")]


def test_a_migration_can_be_written_of_it() -> None:
    text, imports = MigrationWriter.serialize(hen_and_egg())
    assert imports >= {"import apps.core.schema", "import pgtrigger.compiler"}
    assert text.startswith("apps.core.schema.CreateTables(\n    tables=[\n        migrations.CreateModel(\n")


@pytest.mark.django_db
def test_the_database_has_every_trigger_that_a_model_declares() -> None:
    """A table made without its triggers works like any other, until somebody rewrites history."""
    found = {
        trigger.get_uri(model): trigger.get_installation_status(model) for model, trigger in pgtrigger.registered()
    }
    assert "core.ledgerevent:append_only" in {uri.lower() for uri in found}
    assert {uri: status for uri, status in found.items() if status != ("INSTALLED", True)} == {}
