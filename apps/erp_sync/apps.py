from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ErpSyncConfig(AppConfig):
    name = "apps.erp_sync"
    label = "erp_sync"
    verbose_name = _("ERP")
