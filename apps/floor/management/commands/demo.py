from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.floor.demo import load
from apps.plant.models import Site


class Command(BaseCommand):
    help = "Puts the demo plant into an empty database; does nothing where there is a plant."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is no demo run: start it with MFGOS_DEMO=1 if a demo plant is what you want.")
        if Site.objects.exists():
            self.stdout.write("There is a plant already; the demo plant was left out.")
            return
        self.stdout.write(load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json"))
