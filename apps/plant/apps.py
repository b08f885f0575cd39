from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from apps.core import rights


class PlantConfig(AppConfig):
    name = "apps.plant"
    label = "plant"
    verbose_name = _("Plant")

    def ready(self) -> None:
        # By name: the authorizer needs the models, which are loaded only now.
        rights.use(import_string("apps.plant.access.PlantAuthorizer")())
