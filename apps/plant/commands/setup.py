"""What a new plant needs before anybody can press a button."""

from __future__ import annotations

from pydantic import SecretStr

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.plant.actions import MANAGE_ROLES
from apps.plant.commands.people import create_person, set_password
from apps.plant.commands.roles import assign_role


@command("plant.add_administrator")
def add_administrator(context: Context, *, username: FreeText, name: FreeText, password: SecretStr) -> int:
    """The id of a new person who manages people, roles and terminals everywhere.  Refused: not_valid, not_found."""
    context.allow(MANAGE_ROLES, at=EVERYWHERE)
    person_id = create_person.within(context, username=username, name=name, is_staff=True)
    set_password.within(context, person_id=person_id, password=password)
    assign_role.within(context, person_id=person_id, role="it_administrator", place="everywhere")
    return person_id
