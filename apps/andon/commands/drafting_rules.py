"""What one case has taught becomes a rule for the next: a draft, which an engineer goes on with."""

from __future__ import annotations

from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.andon.events import ExceptionRaised
from apps.andon.models import FloorException
from apps.andon.rows import locked_solved
from apps.core.commands import Context, command
from apps.plant.access import roles_at
from apps.workflows.definition import EffectSpec, WhereSpec
from apps.workflows.models import Rule
from apps.workflows.rules.commands import draft_rule
from apps.workflows.rules.definition import RuleCondition, RuleSpec

MAX_CODE = 40


@command("andon.draft_rule_from")
def draft_rule_from(context: Context, *, exception_id: int) -> int:
    """Id of a draft of a rule: what is raised there of this type goes at once to the role of who has solved this one.

    Nothing is in force by this. Raises CommandRefused: not_found, not_resolved, nothing_done, known_already, and for
    who may not answer there, or not edit rules.
    """
    exception = locked_solved(context, exception_id)
    if exception.resolution is None:
        context.refuse("nothing_done", _("It ended by itself: there is nothing to do again."))
    role = _role_of_who_solved(exception)
    if not role:
        context.refuse("nothing_done", _("Who has solved it holds no role there that a rule could give it to."))
    where = exception.work_center or exception.site
    code = slugify(f"{exception.type.code} {exception.site.code} {where.code}").replace("-", "_")[:MAX_CODE]
    if Rule.objects.filter(code=code).exists():
        context.refuse("known_already", _("There is a rule for this already. Change that one."))
    line = exception.work_center.code if exception.work_center else ""
    spec = RuleSpec(
        code=code,
        name=_("%(type)s at %(where)s") % {"type": exception.type.label(), "where": where.code},
        event=ExceptionRaised.kind,
        conditions=[RuleCondition(field="event.type", operator="=", value=exception.type.code)],
        scope=[WhereSpec(site=exception.site.code, line=line)],
        actions=[EffectSpec(code="assign_to_role", parameters={"role": role})],
    )
    return draft_rule.within(context, spec=spec)


def _role_of_who_solved(exception: FloorException) -> str:
    """The one by which it was theirs; else what they are there. A code, "" if they are nothing there."""
    return exception.owner_role or min(roles_at(exception.owner_id, exception.scope), default="")
