from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_LABOR = declare("labor.view", _("see working times"))
CLOCK = declare("labor.clock", _("clock on and off"))
CORRECT_TIME = declare("labor.correct", _("clock others off and correct working times"))
