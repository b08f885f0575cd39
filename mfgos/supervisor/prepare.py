"""Makes a database ready to serve: checks, migrations, seeds, the demo, static files; one process for all of it.

Runs as the owner of the schema; seeds and demo are written with the rights of the web.
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from mfgos.supervisor.places import default_mode

OWNER, APP = "mfgos_owner", "mfgos_app"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mfgos.settings")
    try:
        django.setup()
        refuse_wrong_configuration()
        call_command("migrate", interactive=False, verbosity=1)
        become_app()
        call_command("seed")
        if settings.DEMO:
            call_command("demo")
        call_command("collectstatic", interactive=False, verbosity=0)
    except (ImproperlyConfigured, CommandError, DatabaseError) as error:
        sys.exit(" ".join(str(error).split()))


def refuse_wrong_configuration() -> None:
    """Django's checks, with the first errors in one sentence."""
    # The tests' server is fast because it forgets in a crash; every other has to prove that it does not.
    databases = [] if default_mode() == "test" else ["default"]
    errors = [message for message in run_checks(databases=databases) if message.is_serious()]
    if errors:
        raise CommandError("; ".join(f"{error.id}: {error.msg} {error.hint or ''}".strip() for error in errors))


def become_app() -> None:
    """From here on with the rights that the web has.  A foreign server's single login keeps its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        if cursor.fetchone() != (OWNER,):
            return
    connection.settings_dict["OPTIONS"]["assume_role"] = APP
    connection.close()


if __name__ == "__main__":
    main()
