from apps.plant.models.calendars import Holiday, ShiftPattern, WorkCalendar
from apps.plant.models.duty import Absence, DutyRosterEntry, EndedBy, Presence
from apps.plant.models.people import Person, PersonSkill, SignInThrottle, Skill
from apps.plant.models.places import Area, Site, WorkCenter, WorkUnit, within
from apps.plant.models.reasons import Purpose, ReasonCode
from apps.plant.models.roles import Role, RoleAction, RoleAssignment, SeededRoleAction
from apps.plant.models.terminals import Terminal

__all__ = [
    "Absence",
    "Area",
    "DutyRosterEntry",
    "EndedBy",
    "Holiday",
    "Person",
    "PersonSkill",
    "Presence",
    "Purpose",
    "ReasonCode",
    "Role",
    "RoleAction",
    "RoleAssignment",
    "SeededRoleAction",
    "ShiftPattern",
    "SignInThrottle",
    "Site",
    "Skill",
    "Terminal",
    "WorkCalendar",
    "WorkCenter",
    "WorkUnit",
    "within",
]
