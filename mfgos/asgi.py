"""The web process: HTTP through Django, live screens through Channels."""

from __future__ import annotations

import os
import sys

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import path

from apps.core.pages import PageHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mfgos.settings")

try:
    django.setup(set_prefix=False)
    http = PageHandler()
    # A server runs no system checks by itself; a wrong setting must not wait for the first request.
    call_command("check", fail_level="ERROR")
except (ImproperlyConfigured, SystemCheckError) as error:
    sys.exit(str(error))

from apps.core.consumers import LiveConsumer
from apps.core.wire import Wired

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": Wired(
            AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("live/", LiveConsumer.as_asgi())])))
        ),
    }
)
