from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_MATERIALS = declare("materials.view", _("see material and stock"))
MOVE_MATERIALS = declare("materials.move", _("move material"))
REVERSE_MOVEMENTS = declare("materials.reverse", _("undo movements of material"))
HOLD_LOTS = declare("materials.hold_lot", _("hold lots"))
RELEASE_LOTS = declare("materials.release_lot", _("release held lots"))
MANAGE_MATERIALS = declare("materials.manage", _("change items, parts lists and locations"), desk=True)
