from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

MANAGE_TOKENS = declare("erp.manage_tokens", _("give tokens to other systems and revoke them"), desk=True)
