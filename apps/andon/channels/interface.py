"""What every way of telling somebody has in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_ANSWER_LENGTH = 200


class ChannelKind(models.TextChoices):
    BANNER = "banner", _("floor banner")
    LIGHT = "light", _("andon light")
    PUSH = "push", _("push message")
    EMAIL = "email", _("e-mail")
    WEBHOOK = "webhook", _("webhook")
    SMS = "sms", _("SMS")


@dataclass(frozen=True, kw_only=True)
class Message:
    """Plain values, already in the reader's language and the site's time zone.

    key       of the notification: the same key sent twice is recognised by the receiver as the same telling
    url       absolute: where the exception is answered
    severity  the code of the exception's severity
    tag       the same for all messages of one exception: groups them on the phone and in the mail program
    data      what machines read: goes into the webhook as it is; the light takes its state from it (`light.signal`)
    """

    key: str
    title: str
    body: str
    url: str
    severity: str
    tag: str
    data: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Of these, what the kind needs. Secrets and what lets anybody reach a person stay out of its repr.

    topic  BANNER: what the screens listen to, say "line:7"; LIGHT: the MQTT topic (`light.topic`)
    """

    kind: ChannelKind
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    endpoint: str = field(default="", repr=False)
    p256dh: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    topic: str = ""


class Failed(Exception):
    """Somebody was not told.

    sentence   for the delivery log: what, where, what to do; holds no secret
    permanent  the address is gone or can't be right: trying it again is of no use
    code       the other side's own, say "410" or "550"; empty when it said nothing
    """

    def __init__(self, sentence: str, *, permanent: bool = False, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.permanent = permanent
        self.code = code


class Channel(Protocol):
    @property
    def kind(self) -> ChannelKind: ...

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        """What the other side answered, for the log.  Raises Failed, at the latest when the time is over."""

    def why_not_ready(self) -> str:
        """Empty when it is configured, else a sentence that says what to set."""


def one_line(text: str, *, without: Collection[str] = (), length: int = MAX_ANSWER_LENGTH) -> str:
    """What somebody else has written, fit for a log or a header: printable, short, without the secrets named."""
    for secret in sorted(filter(None, without), key=len, reverse=True):
        text = text.replace(secret, "***")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    words = " ".join(printable.split())
    return words if len(words) <= length else words[: length - 1] + "…"
