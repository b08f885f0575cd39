from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_PLANT = declare("plant.view_plant", _("see lines, stations and calendars"))
MANAGE_PLANT = declare("plant.manage_plant", _("change lines, stations, calendars and reasons"), desk=True)
MANAGE_PEOPLE = declare("plant.manage_people", _("change people and their skills"), desk=True)
MANAGE_ROLES = declare("plant.manage_roles", _("change roles and who holds them"), desk=True)
ENROL_TERMINAL = declare("plant.enrol_terminal", _("enrol and revoke terminals"), desk=True)
OWN_DUTY = declare("plant.own_duty", _("go on and off duty, hand on own duties and say when away"))
MANAGE_ROSTER = declare("plant.manage_roster", _("change the duty roster and who is away"))
