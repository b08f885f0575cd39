"""The shipped workflows, published for a plant that has none of their name yet; a plant's own are left alone."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings

from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import PUBLISH
from apps.workflows.commands import import_draft, publish, submit_for_review
from apps.workflows.definition import Definition, parse
from apps.workflows.kinds import KINDS
from apps.workflows.models import Workflow

FOLDER = settings.BASE_DIR / "fixtures" / "workflows"


@command("workflows.install")
def install(context: Context, *, definition: Definition) -> int:
    """Draft, review and publication of a shipped workflow in one; what nobody has written, the system may approve."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version_id = import_draft.within(context, definition=definition)
    submit_for_review.within(context, version_id=version_id)
    publish.within(context, version_id=version_id, note="As shipped.")
    return version_id


def seed() -> list[str]:
    """One line per workflow that was added, or could not be."""
    lines: list[str] = []
    for file in sorted(FOLDER.glob("*.json")):
        definition = parse(file.read_bytes())
        if definition.kind not in KINDS or Workflow.objects.filter(code=definition.code).exists():
            continue
        try:
            install(actor=Actor.system("seed"), command_id=uuid4(), definition=definition)
        except CommandRefused as refusal:
            lines.append(f"workflow {definition.code} is not published: {refusal}")
        else:
            lines.append(f"workflow {definition.code} is published")
    return lines
