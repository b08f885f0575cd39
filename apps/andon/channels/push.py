"""Web push (RFC 8030, 8291, 8292): what the phone shows; the push service in between can't read it."""

from __future__ import annotations

import hashlib
import json
import time

from django.conf import settings
from django.utils.translation import gettext as _
from pywebpush import WebPusher

from apps.andon.channels import guard, push_keys, wire
from apps.andon.channels.interface import Address, ChannelKind, Failed, Message, one_line

# A message that a phone gets later than this tells of what others have long been told.
TTL_SECONDS = 3_600
SIGNED_FOR_SECONDS = 12 * 3_600
# Push services take 4,096 bytes, encryption and its header included.
MAX_PAYLOAD_BYTES = 3_600
GONE = (404, 410)


class Push:
    kind = ChannelKind.PUSH

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        if reason := self.why_not_ready():
            raise Failed(reason)
        try:
            goal = guard.target(address.endpoint)
        except guard.ForbiddenError as error:
            raise Failed(str(error), permanent=True) from None
        body = _sealed(payload(message), address)
        headers = {
            **_signed(_origin(goal)),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "Urgency": "high",
            "Topic": hashlib.sha256(message.tag.encode()).hexdigest()[:32],
        }
        answer = wire.call(wire.Request(url=address.endpoint, headers=headers, body=body), timeout_seconds)
        if 200 <= answer.status < 300:
            return str(answer.status)
        raise _refused(answer.status, goal)

    def why_not_ready(self) -> str:
        private = push_keys.private_key()
        if not private:
            return _(
                "Push has no key: run `manage.py make_push_key`, set MFGOS_PUSH_KEY to what it prints and start again."
            )
        try:
            push_keys.signer(private)
        except ValueError:
            return _("The push key is none: correct MFGOS_PUSH_KEY and start again.")
        if not settings.PUSH_CONTACT.startswith(("mailto:", "https:")):
            return _(
                "Push services want to know whom to write to: set MFGOS_PUSH_CONTACT to mailto:... and start again."
            )
        return ""


def payload(message: Message) -> bytes:
    """What static/floor/push.js shows. A body that does not fit is cut; the page behind the URL has all of it."""
    told = {
        "key": message.key,
        "title": one_line(message.title),
        "body": message.body,
        "url": message.url,
        "severity": message.severity,
        "tag": message.tag,
    }
    for length in (len(message.body), 1_000, 300, 0):
        told["body"] = message.body[:length]
        packed = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        if len(packed) <= MAX_PAYLOAD_BYTES:
            return packed
    raise Failed(_("The message is too long for a push, even without its text; shorten its address."), permanent=True)


def _sealed(packed: bytes, address: Address) -> bytes:
    subscription = {"endpoint": address.endpoint, "keys": {"p256dh": address.p256dh, "auth": address.auth}}
    try:
        sealed: bytes = WebPusher(subscription).encode(packed)["body"]
    except Exception:  # noqa: BLE001  # the libraries raise a dozen kinds for what is no key, some with it in their text
        sentence = _("The phone's subscription can't be used; switch push off and on again on the phone.")
        raise Failed(sentence, permanent=True) from None
    return sealed


def _signed(audience: str) -> dict[str, str]:
    # The push service compares with its own clock, not with one that a test has moved.
    claims = {"aud": audience, "exp": str(int(time.time()) + SIGNED_FOR_SECONDS), "sub": settings.PUSH_CONTACT}
    headers: dict[str, str] = push_keys.signer(push_keys.private_key()).sign(claims)
    return headers


def _origin(goal: guard.Target) -> str:
    return f"{goal.scheme}://{goal.host if goal.port == guard.PORTS[goal.scheme] else goal.where}"


def _refused(status: int, goal: guard.Target) -> Failed:
    names = {"where": goal.where, "status": status}
    if status in GONE:
        sentence = _("The phone's subscription at %(where)s is gone (%(status)s); switch push on again on the phone.")
    elif status in (400, 401, 403):
        sentence = _(
            "The push service %(where)s refuses our key (%(status)s): it was changed since the phone subscribed. "
            "Switch push off and on again on the phone."
        )
    elif status == 429 or status >= 500:
        sentence = _("The push service %(where)s can't take it now (%(status)s); it is told again.")
    else:
        sentence = _("The push service %(where)s refuses the message (%(status)s).")
    return Failed(sentence % names, permanent=status in GONE, code=str(status))
