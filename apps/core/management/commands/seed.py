"""Puts in place what every plant starts with: roles, reason codes, shipped workflows. Changes nothing twice.

Not a migration: such rows would be gone after the first flush of a test database, and a plant edits them.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Adds the shipped roles, reason codes and workflows that are not there yet."

    def handle(self, *_: Any, **__: Any) -> None:
        for config in apps.get_app_configs():
            name = f"{config.name}.seeds"
            if config.name.startswith("apps.") and find_spec(name):
                for line in import_module(name).seed():
                    self.stdout.write(line)
