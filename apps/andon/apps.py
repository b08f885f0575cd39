from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AndonConfig(AppConfig):
    name = "apps.andon"
    label = "andon"
    verbose_name = _("Exceptions")
