from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

SET_TARGET = declare("shifts.set_target", _("set shift targets"))
