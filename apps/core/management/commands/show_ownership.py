"""Lists which fields the ERP owns, as the models declare it, and what was handed over since."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.models import FieldOwnership
from apps.core.ownership import OWNERSHIP


class Command(BaseCommand):
    help = "Lists model -> fields of the ERP."

    def handle(self, *_: Any, **__: Any) -> None:
        for label, owned in sorted(OWNERSHIP.items()):
            whose = f"if its {owned.parent} has a key in the ERP" if owned.parent else "if the row has a key in the ERP"
            self.stdout.write(f"{label}  ({whose})")
            for name in sorted(owned.switchable):
                self.stdout.write(f"    {name}: {'erp' if name in owned.fields else 'mfgos, may go to the ERP'}")
            for switch in FieldOwnership.objects.filter(model=label):
                where = f"site {switch.site_id}" if switch.site_id else "everywhere"
                self.stdout.write(f"    {switch.field}: handed over to {switch.owner} ({where})")
