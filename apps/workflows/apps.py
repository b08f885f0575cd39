from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "apps.workflows"
    label = "workflows"
    verbose_name = _("Workflows")

    def ready(self) -> None:
        # Kinds are declared by the apps above, in the file of this name; so is what they put into packages.
        autodiscover_modules("kinds", "exportables")
