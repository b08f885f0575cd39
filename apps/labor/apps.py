from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LaborConfig(AppConfig):
    name = "apps.labor"
    label = "labor"
    verbose_name = _("Working times")
