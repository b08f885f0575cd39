"""The first administrator of a plant, for whom nobody is there yet to press a button."""

from __future__ import annotations

from getpass import getpass
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import SecretStr

from apps.core.actors import Actor, Origin
from apps.core.errors import CommandRefused
from apps.plant.commands import add_administrator


class Command(BaseCommand):
    help = "Adds a person who manages people, roles and terminals everywhere; asks for the password. Run seed before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="as it stands on screens; else the user name")

    def handle(self, *_: Any, username: str, name: str, **__: Any) -> None:
        password = getpass("Password: ")
        if password != getpass("Once more: "):
            raise CommandError("The two passwords differ; nothing was added.")
        try:
            add_administrator(
                Actor.system("console", Origin.CHOSEN),
                uuid4(),
                username=username,
                name=name or username,
                password=SecretStr(password),
            )
        except CommandRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{username} may sign in at /admin/.")
