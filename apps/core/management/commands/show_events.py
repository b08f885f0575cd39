"""Lists each event and who reacts to it, in which transaction."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.events import EVENTS, SUBSCRIPTIONS


class Command(BaseCommand):
    help = "Lists event -> subscribers."

    def handle(self, *_: Any, **__: Any) -> None:
        for kind, event in sorted(EVENTS.items()):
            self.stdout.write(kind)
            for subscription in SUBSCRIPTIONS[event]:
                when = "after commit" if subscription.after_commit else "same transaction"
                self.stdout.write(f"    {subscription.name}  ({when})")
            if not SUBSCRIPTIONS[event]:
                self.stdout.write("    nobody reacts; it is in the ledger")
