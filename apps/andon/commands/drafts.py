"""What versions of policies and of playbooks have in common: they say something by steps, and live as all versions do.

Whoever calls has asked for the right, and has locked the version, or what it is a version of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.andon.actions import CONFIGURE
from apps.andon.events import DraftBegun, DraftReturned, DraftSaved, ReviewRequested
from apps.andon.models import EscalationPolicy, Playbook, PlaybookStep, PlaybookVersion, PolicyStep, PolicyVersion
from apps.core.commands import Context
from apps.workflows.definition import checksum_of
from apps.workflows.models import VersionStatus
from apps.workflows.models.life import OPEN
from apps.workflows.versioning import approve, next_number, refuse_other_content, set_status

Drafted = PolicyVersion | PlaybookVersion
Step = PolicyStep | PlaybookStep
# Name of a field -> value, as the row has it.
Said = Mapping[str, Any]


def said_by(version: Drafted) -> tuple[Said, list[Said]]:
    """What it says itself, and what its steps say in their order; one query."""
    own = {name: getattr(version, name) for name in version.says}
    return own, [{name: getattr(step, name) for name in step.says} for step in version.steps.order_by("position")]


def checksum_now(version: Drafted) -> str:
    """Of what stands in the rows."""
    own, steps = said_by(version)
    return checksum_of({"own": own, "steps": steps})


def open_version(of: EscalationPolicy | Playbook) -> Drafted | None:
    """The draft, or what waits for its approval, locked: there is one at most."""
    found: Drafted | None = of.versions.select_for_update().filter(status__in=OPEN).first()
    return found


def refuse_in_review(context: Context, version: Drafted) -> None:
    if version.status == VersionStatus.IN_REVIEW:
        context.refuse(
            "in_review",
            _("%(version)s is in review, so it can't be changed.") % {"version": version},
            _("Have it published, or returned to the author, first."),
        )


def begin(context: Context, of: EscalationPolicy | Playbook) -> Drafted:
    """A draft of the next version: a copy of the one in force."""
    before: Drafted | None = of.versions.in_force().first()
    draft: Drafted = of.versions.create(
        number=next_number(of.versions.all()), author_id=context.actor.person_id, created_at=context.now
    )
    _fill(context, draft, *(said_by(before) if before else ({}, [])))
    context.record(DraftBegun(subject_id=draft.pk, version_kind=_kind(draft), copy_of_id=before.pk if before else None))
    return draft


def save(context: Context, draft: Drafted, own: Said, steps: Sequence[Said]) -> list[Step]:
    """In the place of all that it said; what `own` leaves out stays. Answers the new steps."""
    rows = _fill(context, draft, own, steps)
    context.record(DraftSaved(subject_id=draft.pk, version_kind=_kind(draft), checksum=draft.checksum))
    return rows


def submit(context: Context, draft: Drafted) -> str:
    """From here on it is fixed, until it is returned."""
    refuse_other_content(context, draft, checksum_now(draft))
    set_status(draft, VersionStatus.IN_REVIEW)
    context.record(ReviewRequested(subject_id=draft.pk, version_kind=_kind(draft), checksum=draft.checksum))
    return draft.status


def give_back(context: Context, version: Drafted) -> str:
    set_status(version, VersionStatus.DRAFT)
    context.record(DraftReturned(subject_id=version.pk, version_kind=_kind(version)))
    return version.status


def put_in_force(context: Context, version: Drafted, of: EscalationPolicy | Playbook, note: str) -> None:
    """In the place of the one before; by somebody who has written nothing of it."""
    approve(context, version, note, CONFIGURE)
    refuse_other_content(context, version, checksum_now(version))
    of.versions.in_force().update(status=VersionStatus.RETIRED)
    set_status(version, VersionStatus.PUBLISHED)


def _fill(context: Context, draft: Drafted, own: Said, steps: Sequence[Said]) -> list[Step]:
    for name in own.keys() & set(draft.says):
        setattr(draft, name, own[name])
    model: Any = draft.steps.model
    rows: list[Step] = [
        model(version=draft, **{name: step[name] for name in model.says if name in step}) for step in steps
    ]
    _refuse_unfit(context, draft, rows)
    draft.steps.all().delete()
    model.objects.bulk_create(rows)
    credited = draft.credit(context.actor.person_id, checksum_now(draft))
    draft.save(update_fields=[*credited, *draft.says])
    return rows


def _refuse_unfit(context: Context, draft: Drafted, rows: Sequence[Step]) -> None:
    """What a page has said at its fields, for whoever comes another way."""
    try:
        draft.clean_fields(exclude=["note", "checksum"])
        for row in rows:
            row.clean_fields(exclude=["version"])
    except ValidationError as error:
        context.refuse("not_valid", " ".join(error.messages))
    for name in {"position", "code"} & set(draft.steps.model.says):
        twice = [value for value, count in Counter(getattr(row, name) for row in rows).items() if count > 1]
        if twice:
            context.refuse("twice", _("Two steps have the same number or code: %(which)s.") % {"which": twice[0]})


def _kind(version: Drafted) -> str:
    return "policy_version" if isinstance(version, PolicyVersion) else "playbook_version"
