"""The steps of a draft, kept so that each can be undone until the version is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.workflows.definition import Definition
from apps.workflows.models import DraftStep, Version

MAX_LABEL = 200


@dataclass(frozen=True)
class Steps:
    """The step that undo takes back, and the one that redo brings again; None where there is none."""

    last: DraftStep | None
    undone: DraftStep | None


def steps_of(version: Version) -> Steps:
    """Two queries."""
    kept = version.steps.defer("definition")
    return Steps(
        last=kept.filter(is_undone=False, number__gt=0).last(),
        undone=kept.filter(is_undone=True).first(),
    )


def keep(
    version: Version, before: Definition, after: Definition, *, label: str, person_id: int | None, at: datetime
) -> None:
    """Within the command that saves `after`. What had been undone can't be redone from here on."""
    if before == after:
        return
    steps = version.steps
    last = steps.filter(is_undone=False).order_by("number").last()
    if last is None:
        last = steps.create(number=0, definition=before.model_dump(mode="json"), person_id=version.author_id, at=at)
    steps.filter(is_undone=True).delete()
    steps.create(
        number=last.number + 1,
        label=label[:MAX_LABEL],
        definition=after.model_dump(mode="json"),
        person_id=person_id,
        at=at,
    )


def labels_since(version: Version, checksum: str) -> list[str]:
    """What was done to the draft since it had the checksum; [] when it never had."""
    done: list[str] = []
    for step in version.steps.filter(is_undone=False).order_by("-number"):
        if Definition.model_validate(step.definition).checksum == checksum:
            return done[::-1]
        done.append(step.label)
    return []
