from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EquipmentConfig(AppConfig):
    name = "apps.equipment"
    label = "equipment"
    verbose_name = _("Machines")
