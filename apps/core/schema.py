"""Many changes of tables at once, for migrations.

Django renders its models anew after each operation that touches one of them, which took most of a first start.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import CreateModel
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger


class AtOnce(Operation):
    """Does the operations one after the other, with the models rendered once.

    Each sees the models as they are before the first or after the last, never between: no field is changed twice in a
    group, and a table that the group makes is made as the last operation leaves it. Foreign keys are made at the end
    of a migration.
    """

    category = OperationCategory.MIXED
    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Rendered once, when it is next asked for; otherwise once for each operation.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in self.operations:
            # A table is made with its fields, indexes and constraints, but without its triggers.
            if not self._changes_made(operation) or isinstance(operation, AddTrigger):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """A table takes with it what belongs to it."""
        for operation in reversed(self.operations):
            if not self._changes_made(operation):
                operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def _changes_made(self, operation: Operation) -> bool:
        """Whether it changes a table that this group makes."""
        made = {made.name_lower for made in self.operations if isinstance(made, CreateModel)}
        return getattr(operation, "model_name", "").lower() in made

    def references_model(self, name: str, app_label: str) -> bool:
        return any(operation.references_model(name, app_label) for operation in self.operations)

    def describe(self) -> str:
        return ", ".join(operation.describe() for operation in self.operations)


class CreateTables(AtOnce):
    """Makes the tables, then the triggers that they name in their options (`CreateModel` alone leaves these out).

    The tables may point at each other in any order.
    """

    category = OperationCategory.ADDITION
    serialization_expand_args = ["tables"]

    def __init__(self, tables: Sequence[CreateModel]) -> None:
        super().__init__(tables)
        self.tables = tables

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        for table in self.tables:
            for trigger in table.options.get("triggers", []):
                AddTrigger(table.name, trigger).database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "Create tables " + ", ".join(table.name for table in self.tables)
