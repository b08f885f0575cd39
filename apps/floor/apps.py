from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FloorConfig(AppConfig):
    name = "apps.floor"
    label = "floor"
    verbose_name = _("Floor screens")
