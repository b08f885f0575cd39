from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_POSTINGS = declare("erp.view", _("see what goes to the ERP"))
POST = declare("erp.post", _("decide about postings to the ERP"), desk=True)
CONNECT = declare("erp.connect", _("connect a site to its ERP"), desk=True)
