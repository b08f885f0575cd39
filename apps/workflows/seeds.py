"""The shipped workflows and rules, published for a plant that has none of their name; a plant's own are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from django.conf import settings

from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import PUBLISH
from apps.workflows.commands import import_draft, publish, submit_for_review
from apps.workflows.definition import Definition, parse, parse_as
from apps.workflows.kinds import KINDS
from apps.workflows.models import Rule, Workflow
from apps.workflows.rules.commands import draft_rule, submit_rule_for_review
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.publishing import publish_rule

FOLDER = settings.BASE_DIR / "fixtures" / "workflows"
RULES = settings.BASE_DIR / "fixtures" / "rules"


@command("workflows.install")
def install(context: Context, *, definition: Definition) -> int:
    """Draft, review and publication of a shipped workflow in one; what nobody has written, the system may approve."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version_id = import_draft.within(context, definition=definition)
    submit_for_review.within(context, version_id=version_id)
    publish.within(context, version_id=version_id, note="As shipped.")
    return version_id


@command("workflows.install_rule")
def install_rule(context: Context, *, spec: RuleSpec) -> int:
    """The same for a shipped rule."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version_id = draft_rule.within(context, spec=spec)
    submit_rule_for_review.within(context, version_id=version_id)
    publish_rule.within(context, version_id=version_id, note="As shipped.")
    return version_id


def seed() -> list[str]:
    """One line per workflow and rule that was added, or could not be."""
    return [*_workflows(), *_rules()]


def _workflows() -> Iterator[str]:
    for file in sorted(FOLDER.glob("*.json")):
        definition = parse(file.read_bytes())
        if definition.kind not in KINDS or Workflow.objects.filter(code=definition.code).exists():
            continue
        try:
            install(actor=Actor.system("seed"), command_id=uuid4(), definition=definition)
        except CommandRefused as refusal:
            yield f"workflow {definition.code} is not published: {refusal}"
        else:
            yield f"workflow {definition.code} is published"


def _rules() -> Iterator[str]:
    for file in sorted(RULES.glob("*.json")):
        spec = parse_as(RuleSpec, file.read_bytes())
        if Rule.objects.filter(code=spec.code).exists():
            continue
        try:
            install_rule(actor=Actor.system("seed"), command_id=uuid4(), spec=spec)
        except CommandRefused as refusal:
            yield f"rule {spec.code} is not published: {refusal}"
        else:
            yield f"rule {spec.code} is published"
