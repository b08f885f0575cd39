from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_BOARD = declare("floor.view_board", _("see the line board"))
VIEW_STATION = declare("floor.view_station", _("see the station screen"))
