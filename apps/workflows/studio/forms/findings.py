"""What the check has found, at the field or the rows that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from apps.workflows.check import Problem
from apps.workflows.studio.forms.base import Rows, StudioForm


def lay_at_fields(forms: Any, problems: Iterable[Problem]) -> list[Problem]:
    """Templates show them as `findings` of a field or of rows. Those are answered that have no field here.

    forms  all of a state, an edge, a workflow or a rule: its `main` form, and its rows by their names
    """
    left: list[Problem] = []
    for problem in problems:
        place = _place(forms, problem.field)
        if place is None:
            left.append(problem)
        else:
            place.findings = [*getattr(place, "findings", ()), problem]
    return left


def _place(forms: Any, name: str) -> Any:
    main: StudioForm = forms.main
    if name in main.fields:
        return main.fields[name]
    if name in main.texts:
        return _first_empty(main, name)
    part = getattr(forms, name, None) if name else None
    if isinstance(part, StudioForm):
        return next(iter(part.fields.values()))
    return part if isinstance(part, Rows) else None


def _first_empty(form: StudioForm, name: str) -> Any:
    """Of a text that lacks a language that one, else the first."""
    fields = [f"{name}_{code}" for code, __ in settings.LANGUAGES]
    empty = (field for field in fields if not form.current(field))
    return form.fields[next(empty, fields[0])]
