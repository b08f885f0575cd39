"""Who made each difference of a draft, and when, as far as its saved steps tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from apps.workflows.comparing import Change, Part, numbered
from apps.workflows.models import RuleVersion, Version
from apps.workflows.models.life import Step

C = TypeVar("C")
K = TypeVar("K")

# By what a change is about, ("state", "ready"): what it says as JSON, and behind which other it stands.
Content = Mapping[tuple[Part, str], tuple[Any, str | None]]
# So many definitions are held at a time.
CHUNK = 20


@dataclass(frozen=True)
class Made:
    person_id: int | None
    at: datetime


def made_by(version: Version, changes: Sequence[Change]) -> dict[tuple[Part, str], Made]:
    """By part and key of the change: the last step that touched it. What the draft began with is nobody's.

    One query; steps are read from the last one back, until all is known.
    """
    wanted = {(change.part, change.key): {field.name for field in change.fields} == {"order"} for change in changes}

    def touched(before: Content, after: Content) -> list[tuple[Part, str]]:
        return [about for about, by in wanted.items() if _seen(before, about, by) != _seen(after, about, by)]

    return _last_touched(version.steps.all(), _content, touched, len(wanted))


def fields_made_by(version: RuleVersion, names: Collection[str]) -> dict[str, Made]:
    """The same of the fields of a rule."""

    def touched(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
        return [name for name in names if before.get(name) != after.get(name)]

    return _last_touched(version.steps.all(), dict, touched, len(names))


def _last_touched(
    steps: QuerySet[Any], content: Callable[[Any], C], touched: Callable[[C, C], Iterable[K]], wanted: int
) -> dict[K, Made]:
    """
    content  what a step's definition says
    touched  what of all that is wanted differs between two of them
    """
    found: dict[K, Made] = {}
    later: tuple[Step, C] | None = None
    for step in steps.filter(is_undone=False).order_by("-number").iterator(chunk_size=CHUNK):
        before = content(step.definition)
        if later is not None:
            for about in touched(before, later[1]):
                found.setdefault(about, Made(later[0].person_id, later[0].at))
        if len(found) == wanted:
            break
        later = step, before
    return found


def _seen(content: Content, about: tuple[Part, str], is_order: bool) -> Any:  # noqa: FBT001
    """What it says itself; where only its place has changed, behind which other it stands."""
    spec, before = content.get(about, (None, None))
    return before if is_order else spec


def _content(definition: Mapping[str, Any]) -> Content:
    whole = definition["name"], definition.get("applies_to", [])
    found: dict[tuple[Part, str], tuple[Any, str | None]] = {("workflow", definition["code"]): (whole, None)}
    parts: tuple[tuple[Part, str], ...] = (("state", "states"), ("edge", "edges"))
    for part, name in parts:
        seen: Counter[str] = Counter()
        before = ""
        for spec in definition[name]:
            code = spec["code"]
            seen[code] += 1
            found[(part, numbered(code, seen[code]))] = (spec, before)
            before = code
    return found
