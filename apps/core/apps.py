from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from apps.core.privileges import settle_privileges


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        # Whoever declares a command, a subscriber or a fragment is found by the file's name in every app.
        autodiscover_modules("checks", "actions", "commands", "causes", "cures", "concerns")
        autodiscover_modules("surroundings", "effects", "subscribers", "fragments")
        post_migrate.connect(settle_privileges, dispatch_uid="core.settle_privileges")
