"""Database triggers that nothing switches off.

A stock django-pgtrigger trigger asks `pgtrigger.ignore` before it acts, so any session can turn it off. These run a
plain function, made by a migration, that asks nobody.
"""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.db import models


class GuardTrigger(pgtrigger.Trigger):
    """Runs the plain function `function` (made by a migration that comes before the table's)."""

    when = pgtrigger.Before

    def __init__(self, *, function: str, **options: Any) -> None:
        self.function = function
        super().__init__(**options)

    def get_func(self, model: models.Model) -> str:  # noqa: ARG002
        return "RETURN NULL;"  # never executed: pgtrigger wants a body even where another function runs

    def render_execute(self, model: models.Model) -> str:  # noqa: ARG002
        return f"{self.function}()"


def append_only() -> list[GuardTrigger]:
    """Rows can be added and read, nothing else, by anybody."""
    return guarded("mfgos_refuse_change", pgtrigger.Update | pgtrigger.Delete, name="append_only")


def guarded(
    function: str,
    operation: Any = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
    *,
    name: str = "frozen",
) -> list[GuardTrigger]:
    """`function` is asked about each row that `operation` concerns; nobody empties the table."""
    return [
        GuardTrigger(name=name, function=function, operation=operation),
        GuardTrigger(
            name=f"{name}_truncate",
            function="mfgos_refuse_change",
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
        ),
    ]
