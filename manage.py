#!/usr/bin/env python
"""Django's command line, with the database role that each command needs."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# These change the schema, so they log in as its owner; everything else runs with the rights of the web.
OWNER_COMMANDS = {"migrate", "dbshell", "sqlmigrate"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mfgos.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("MFGOS_DB_ROLE", "owner")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
