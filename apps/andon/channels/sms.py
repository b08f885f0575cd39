"""SMS through whoever sends them for the plant. A provider of one's own is a class that keeps `Provider`."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.andon.channels import guard, wire
from apps.andon.channels.deadline import within
from apps.andon.channels.interface import Address, ChannelKind, Failed, Message, one_line
from apps.andon.channels.webhook import KEY_HEADER, answered, refuse_unless_taken

# Two parts of an SMS.
MAX_TEXT_LENGTH = 306
# A provider that keeps its time answers before it is cut off.
GRACE_SECONDS = 0.5
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class Provider(Protocol):
    """Named by MFGOS_SMS_PROVIDER, made without arguments, kept as long as the process lives."""

    def send(self, number: str, text: str, key: str, timeout_seconds: float) -> str:
        """What the provider answered, for the log.  Raises Failed.  `number` is international: +49..."""

    def why_not_ready(self) -> str: ...


class HttpProvider:
    """MFGOS_SMS_URL and MFGOS_SMS_BODY with {number}, {text}, {key} in them; without a body the URL is got."""

    def send(self, number: str, text: str, key: str, timeout_seconds: float) -> str:
        values = {"{number}": number, "{text}": text, "{key}": key}
        url = _filled(settings.SMS_URL, {name: quote(value, safe="") for name, value in values.items()})
        headers = {**settings.SMS_HEADERS, KEY_HEADER: quote(key, safe=":")}
        body = None
        if settings.SMS_BODY is not None:
            body = json.dumps(_deep(settings.SMS_BODY, values), ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        method = "GET" if body is None else "POST"
        asked = wire.Request(url=url, headers=headers, body=body, method=method, trusted=True)
        answer = wire.call(asked, timeout_seconds)
        refuse_unless_taken(answer, url)
        return answered(answer, *settings.SMS_HEADERS.values(), url)

    def why_not_ready(self) -> str:
        if not settings.SMS_URL:
            return _("No SMS provider is set: set MFGOS_SMS_URL and start again.")
        try:
            guard.target(settings.SMS_URL, trusted=True)
        except guard.ForbiddenError:
            return _("The SMS provider's address is none: correct MFGOS_SMS_URL and start again.")
        return ""


class Sms:
    kind = ChannelKind.SMS

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        if reason := self.why_not_ready():
            raise Failed(reason)
        number = international(address.phone)
        if not number:
            raise Failed(_("The phone number is not international; write it as +49 151 23456789."), permanent=True)
        way, text = provider(), text_of(message)
        try:
            return within(
                timeout_seconds + GRACE_SECONDS,
                lambda: way.send(number, text, message.key, timeout_seconds),
                give_up=lambda: None,
            )
        except Failed:
            raise
        except Exception as error:  # noqa: BLE001  # a plant's own provider may do anything but stop the telling
            names = {"name": settings.SMS_PROVIDER, "error": type(error).__name__}
            sentence = _("The SMS provider %(name)s fails (%(error)s); see to it, or set another.")
            raise Failed(sentence % names) from None

    def why_not_ready(self) -> str:
        try:
            return provider().why_not_ready()
        except (ImportError, AttributeError, TypeError):
            names = {"name": settings.SMS_PROVIDER}
            return _("There is no SMS provider %(name)s: correct MFGOS_SMS_PROVIDER and start again.") % names


def international(text: str) -> str:
    """+4915123456789, however it was written; empty for what is none."""
    number = re.sub(r"[\s()/.-]", "", text)
    return number if NUMBER.fullmatch(number) else ""


def text_of(message: Message) -> str:
    """The address of the answer is never cut: what comes before it is."""
    room = MAX_TEXT_LENGTH - len(message.url) - 1
    return f"{one_line(f'{message.title}. {message.body}', length=max(room, 20))} {message.url}"


def provider() -> Provider:
    """Raises ImportError and the like when the name leads nowhere."""
    return _made(settings.SMS_PROVIDER)


@cache
def _made(name: str) -> Provider:
    made: Provider = import_string(name)()
    return made


def _filled(template: str, values: dict[str, str]) -> str:
    """In one pass: what a text holds is never taken for a placeholder."""
    return re.sub(r"\{(number|text|key)\}", lambda found: values[found.group()], template)


def _deep(template: Any, values: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: _deep(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [_deep(part, values) for part in template]
    return _filled(template, values) if isinstance(template, str) else template
