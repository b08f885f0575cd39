"""A worker that tells systems, as a process of its own: `python -m tests.andon.delivery_process <database>`."""

from __future__ import annotations

import sys
import time

import django
from django.conf import settings

import tests.environment  # noqa: F401  # sets the environment
from apps.andon.channels.interface import ChannelKind

if __name__ == "__main__":
    database = settings.DATABASES["default"]
    database["NAME"] = sys.argv[1]
    database["OPTIONS"]["assume_role"] = "mfgos_app"
    settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.1"]
    django.setup()

    from apps.andon.delivery import deliver_next

    while True:
        if not deliver_next(ChannelKind.WEBHOOK):
            time.sleep(0.02)
