"""Words that a plant gets from another one: roles, skills, reason codes. Typed by hand they are added in the admin."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.plant.actions import MANAGE_PEOPLE, MANAGE_PLANT, MANAGE_ROLES
from apps.plant.commands.roles import set_role_actions
from apps.plant.commands.rows import save
from apps.plant.events import ReasonCodeAdded, RoleAdded, SkillAdded
from apps.plant.models.people import Skill
from apps.plant.models.reasons import ReasonCode
from apps.plant.models.roles import Role


@command("plant.add_role")
def add_role(
    context: Context, *, code: str, names: dict[str, str], description: str = "", actions: tuple[str, ...] = ()
) -> int:
    """The id of a new role that nobody holds yet; actions that this product does not know are left out.

    Refused: not_valid.
    """
    context.allow(MANAGE_ROLES, at=EVERYWHERE)
    role = Role(code=code, names=names, description=description)
    save(context, role)
    context.record(RoleAdded(subject_id=role.pk, code=code))
    known = tuple(action for action in actions if action in rights.ACTIONS)
    set_role_actions.within(context, role=code, add=known)
    return role.pk


@command("plant.add_skill")
def add_skill(context: Context, *, code: str, name: str) -> int:
    """The id of a new skill that nobody has yet.  Refused: not_valid."""
    context.allow(MANAGE_PEOPLE, at=EVERYWHERE)
    skill = Skill(code=code, name=name)
    save(context, skill)
    context.record(SkillAdded(subject_id=skill.pk, code=code))
    return skill.pk


@command("plant.add_reason_code")
def add_reason_code(context: Context, *, purpose: str, code: str, labels: dict[str, str], parent: str = "") -> int:
    """The id; `parent` is the code of the one it is part of.  Refused: not_valid, not_found."""
    context.allow(MANAGE_PLANT, at=EVERYWHERE)
    above = ReasonCode.objects.filter(purpose=purpose, code=parent).first() if parent else None
    if parent and above is None:
        context.refuse("not_found", _("There is no reason %(code)s that it is part of.") % {"code": parent})
    reason = ReasonCode(purpose=purpose, code=code, labels=labels, parent=above)
    save(context, reason)
    context.record(ReasonCodeAdded(subject_id=reason.pk, purpose=purpose, code=code))
    return reason.pk
