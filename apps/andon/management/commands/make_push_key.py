"""Prints a new key pair for web push; keeps nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.andon.channels import push_keys


class Command(BaseCommand):
    help = "Prints a new key pair for web push. With another key, every phone has to switch push on again."
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        private = push_keys.make()
        self.stdout.write(f"MFGOS_PUSH_KEY={private}")
        self.stdout.write(f"# public, for those who check: {push_keys.public_of(private)}")
