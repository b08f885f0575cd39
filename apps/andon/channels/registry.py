"""All ways of telling somebody. SMS providers hang behind theirs (`sms.Provider`)."""

from __future__ import annotations

from apps.andon.channels.banner import Banner
from apps.andon.channels.email import Email
from apps.andon.channels.interface import Channel, ChannelKind
from apps.andon.channels.light import Light
from apps.andon.channels.push import Push
from apps.andon.channels.sms import Sms
from apps.andon.channels.webhook import Webhook

LIGHT = Light()
CHANNELS: dict[ChannelKind, Channel] = {
    channel.kind: channel for channel in (Banner(), LIGHT, Push(), Email(), Webhook(), Sms())
}
