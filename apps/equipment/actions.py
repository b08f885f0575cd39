from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_MACHINES = declare("equipment.view", _("see machines and their stops"))
REPORT = declare("equipment.report", _("say that a machine runs again, and why it stood"))
CORRECT_STOPS = declare("equipment.correct", _("split stops and correct their reasons"))
MAINTAIN = declare("equipment.maintain", _("take on and finish requests for maintenance"))
MANAGE_MACHINES = declare("equipment.manage", _("change machines, signal sources and mappings"), desk=True)
SEND_SIGNALS = declare("equipment.send_signals", _("send signals of machines"), desk=True)
