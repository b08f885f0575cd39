"""The baseline of live push: Channels' own way to many screens, as its tutorial has it.

    python -m daphne -b 127.0.0.1 -p PORT tests.bench.group_send:application

ws /screen   joins the group and gets its frames
ws /publish  "NUMBER SIZE": a text frame of that size with that number goes to the group by group_send
"""

from __future__ import annotations

from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

if not settings.configured:
    settings.configure(
        SECRET_KEY="a-baseline-keeps-no-secret",
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    )
    django.setup()


class Screen(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("line", self.channel_name)
        await self.accept()
        await self.send(text_data="made 0 ")

    async def line_frame(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class Publisher(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        number, size = (text_data or "").split()
        text = f"made {number} ".ljust(int(size), "x")
        await self.channel_layer.group_send("line", {"type": "line.frame", "text": text})


application = ProtocolTypeRouter(
    {"websocket": URLRouter([path("screen", Screen.as_asgi()), path("publish", Publisher.as_asgi())])}
)
