"""Every change that can be made to people, rights, duties and terminals. Places, calendars and reasons are typed
in the admin.

Sign-in answers with a result where others refuse: a refusal undoes everything, and wrong tries must be counted.
"""

from apps.plant.commands.absences import end_absence, report_absent
from apps.plant.commands.duty import end_duty_entry, roster_duty, swap_duty
from apps.plant.commands.people import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    set_password,
    set_pin,
)
from apps.plant.commands.presences import (
    begin_presence,
    end_presence,
    end_presence_by_rule,
    go_off_duty,
    go_on_duty,
)
from apps.plant.commands.qualifications import set_qualification
from apps.plant.commands.roles import assign_role, end_role_assignment, set_role_actions
from apps.plant.commands.roster_import import Imported, import_roster
from apps.plant.commands.setup import add_administrator
from apps.plant.commands.sign_in import SignIn, sign_in_at_desk, sign_in_with_badge
from apps.plant.commands.terminals import enrol_terminal, revoke_terminal
from apps.plant.commands.words import add_reason_code, add_role, add_skill

__all__ = [
    "Imported",
    "SignIn",
    "add_administrator",
    "add_reason_code",
    "add_role",
    "add_skill",
    "assign_role",
    "begin_presence",
    "change_person",
    "create_person",
    "deactivate_person",
    "end_absence",
    "end_duty_entry",
    "end_presence",
    "end_presence_by_rule",
    "end_role_assignment",
    "enrol_terminal",
    "go_off_duty",
    "go_on_duty",
    "import_roster",
    "reactivate_person",
    "report_absent",
    "revoke_terminal",
    "roster_duty",
    "set_password",
    "set_pin",
    "set_qualification",
    "set_role_actions",
    "sign_in_at_desk",
    "sign_in_with_badge",
    "swap_duty",
]
