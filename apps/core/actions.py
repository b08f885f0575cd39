from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_LEDGER = declare("core.view_ledger", _("read the history"), desk=True)
SWITCH_OWNERSHIP = declare("core.switch_ownership", _("say which system owns a field"), desk=True)
