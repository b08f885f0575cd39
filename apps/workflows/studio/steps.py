"""The steps of a draft, kept so that each can be undone until the version is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.workflows.definition import Definition, Document
from apps.workflows.models import DraftStep, RuleStep, RuleVersion, Version

MAX_LABEL = 200


@dataclass(frozen=True)
class Steps:
    """The step that undo takes back, and the one that redo brings again; None where there is none."""

    last: DraftStep | RuleStep | None
    undone: DraftStep | RuleStep | None


def steps_of(version: Version | RuleVersion) -> Steps:
    """Two queries."""
    kept: Any = version.steps.defer("definition")
    return Steps(
        last=kept.filter(is_undone=False, number__gt=0).last(),
        undone=kept.filter(is_undone=True).first(),
    )


def keep(
    version: Version | RuleVersion,
    before: Document,
    after: Document,
    *,
    label: str,
    person_id: int | None,
    at: datetime,
) -> None:
    """Within the command that saves `after`. What had been undone can't be redone from here on."""
    if before == after:
        return
    steps: Any = version.steps
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


def undone(context: Context, version: Version | RuleVersion) -> tuple[str, Any]:
    """What the last step was called, and what the draft was before it: the step counts no more, whoever made it."""
    steps: Any = version.steps
    done = list(steps.filter(is_undone=False).order_by("-number")[:2])
    if len(done) < 2:
        context.refuse("nothing_to_undo", _("There is nothing to undo: the draft is as it began."))
    last, before = done
    last.is_undone = True
    last.save(update_fields=["is_undone"])
    return last.label, before.definition


def redone(context: Context, version: Version | RuleVersion) -> tuple[str, Any]:
    """What the step that was undone last is called, and what the draft is with it: it counts again."""
    steps: Any = version.steps
    step = steps.filter(is_undone=True).order_by("number").first()
    if step is None:
        context.refuse("nothing_to_redo", _("There is nothing to redo."))
    step.is_undone = False
    step.save(update_fields=["is_undone"])
    return step.label, step.definition


def labels_since(version: Version, checksum: str) -> list[str]:
    """What was done to the draft since it had the checksum; [] when it never had."""
    done: list[str] = []
    for step in version.steps.filter(is_undone=False).order_by("-number"):
        if Definition.model_validate(step.definition).checksum == checksum:
            return done[::-1]
        done.append(step.label)
    return []
