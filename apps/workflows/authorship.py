"""Who made each difference of a draft, and when, as far as its saved steps tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.workflows.comparing import Change, Part, numbered
from apps.workflows.models import DraftStep, Version

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
    found: dict[tuple[Part, str], Made] = {}
    steps = DraftStep.objects.filter(version=version, is_undone=False).order_by("-number")
    later: tuple[DraftStep, Content] | None = None
    for step in steps.iterator(chunk_size=CHUNK):
        content = _content(step.definition)
        if later is not None:
            after, known = later
            for about, is_order in wanted.items():
                if about not in found and _seen(content, about, is_order) != _seen(known, about, is_order):
                    found[about] = Made(after.person_id, after.at)
        if len(found) == len(wanted):
            break
        later = step, content
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
