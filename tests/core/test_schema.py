"""Tables made together: in any order, with their triggers, and Django's picture of them drawn once."""

from __future__ import annotations

from typing import Any

import pgtrigger
import pytest
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, CreateModel, RemoveField
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from pgtrigger.compiler import Trigger, UpsertTriggerSql
from pgtrigger.migrations import AddTrigger

from apps.core.schema import AtOnce, CreateTables

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


def statements(operation: AtOnce, *, back: bool = False) -> list[str]:
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


def grown_step_by_step() -> AtOnce:
    """As `makemigrations` writes it: a table, then more of it and what is to hold of it; and a change of another."""
    cluck = AddField("Hen", "cluck", models.PositiveSmallIntegerField(default=0, db_index=True))
    loud = models.CheckConstraint(condition=models.Q(cluck__gt=0), name="loud_enough")
    return AtOnce(
        [
            CreateModel("Hen", [("id", models.BigAutoField(primary_key=True))]),
            cluck,
            AddConstraint("Hen", loud),
            AddTrigger("hen", a_trigger("core_hen")),
            AddField("Before1", "hen", models.ForeignKey("core.hen", models.PROTECT, null=True)),
        ]
    )


@pytest.mark.django_db
class TestChangesMadeAtOnce:
    def test_a_new_table_is_made_as_the_last_of_them_leaves_it(self) -> None:
        found = statements(grown_step_by_step())
        (made,) = [statement for statement in found if 'TABLE "core_hen"' in statement]
        assert made.startswith("CREATE TABLE")
        assert '"cluck"' in made
        assert "loud_enough" in made
        assert any("COMMENT ON TRIGGER stays_core_hen" in statement for statement in found)
        assert sum('ALTER TABLE "core_before1" ADD COLUMN "hen_id"' in statement for statement in found) == 1

    def test_taken_back_it_takes_with_it_what_belongs_to_it(self) -> None:
        found = statements(grown_step_by_step(), back=True)
        order = positions(found, 'DROP COLUMN "hen_id"', 'DROP TABLE "core_hen"')
        assert order == sorted(order)
        assert not any('ALTER TABLE "core_hen"' in statement or "TRIGGER" in statement for statement in found)

    def test_a_table_that_is_there_loses_and_gets_columns(self) -> None:
        state = a_state()
        state.add_model(
            ModelState(APP, "Nest", [("id", models.BigAutoField(primary_key=True)), ("egg", models.TextField())])
        )
        after = state.clone()
        change = AtOnce([RemoveField("Nest", "egg"), AddField("Nest", "chick", models.TextField(default=""))])
        change.state_forwards(APP, after)
        with connection.schema_editor(collect_sql=True) as editor:
            change.database_forwards(APP, editor, state, after)
        assert positions(editor.collected_sql, 'DROP COLUMN "egg"', 'ADD COLUMN "chick"')
        assert set(after.models[APP, "nest"].fields) == {"id", "chick"}


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
