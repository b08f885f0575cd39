"""Every change that can be made to people, rights and terminals. Places, calendars and reasons are typed in the admin.

Sign-in answers with a result where others refuse: a refusal undoes everything, and wrong tries must be counted.
"""

from apps.plant.commands.people import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    set_password,
    set_pin,
)
from apps.plant.commands.roles import assign_role, end_role_assignment, set_role_actions
from apps.plant.commands.setup import add_administrator
from apps.plant.commands.sign_in import SignIn, sign_in_at_desk, sign_in_with_badge
from apps.plant.commands.terminals import enrol_terminal, revoke_terminal

__all__ = [
    "SignIn",
    "add_administrator",
    "assign_role",
    "change_person",
    "create_person",
    "deactivate_person",
    "end_role_assignment",
    "enrol_terminal",
    "reactivate_person",
    "revoke_terminal",
    "set_password",
    "set_pin",
    "set_role_actions",
    "sign_in_at_desk",
    "sign_in_with_badge",
]
