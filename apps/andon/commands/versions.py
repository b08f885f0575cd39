"""How what is versioned is published: by somebody else than its author, with a reason, instead of the one before."""

from __future__ import annotations

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from apps.andon.models import PolicyStatus
from apps.andon.models.versions import Published
from apps.core.commands import Context


def next_number(versions: QuerySet[Published]) -> int:
    return (versions.aggregate(last=Max("number"))["last"] or 0) + 1


def may_be_published(context: Context, version: Published | None, note: str) -> None:
    """Raises CommandRefused: not_found, not_a_draft, own_work (the author does not approve), no_note."""
    if version is None:
        context.refuse("not_found", _("This version does not exist any more. Reload the page."))
    if not version.is_draft:
        context.refuse("not_a_draft", _("Only a draft can be published."))
    if context.actor.person_id is not None and context.actor.person_id in {
        version.author_id,
        *getattr(version, "editor_ids", []),
    }:
        context.refuse(
            "own_work", _("You wrote this version."), _("Somebody else publishes it who may set up escalation.")
        )
    if not note.strip():
        context.refuse("no_note", _("Say what changes and why."))


def publish(context: Context, version: Published, before: QuerySet[Published], note: str) -> None:
    """`before`: what was in force of the same."""
    before.update(status=PolicyStatus.RETIRED)
    version.status, version.note = PolicyStatus.PUBLISHED, note.strip()
    version.published_at, version.approver_id = context.now, context.actor.person_id
    version.save()
