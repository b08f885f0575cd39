"""Signed webhooks; the scheme is described for receivers in docs/integrators.md."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

from django.utils.translation import gettext as _

from apps.andon.channels import guard, wire
from apps.andon.channels.interface import Address, ChannelKind, Failed, Message, one_line

SIGNATURE_HEADER = "Mfgos-Signature"
KEY_HEADER = "Idempotency-Key"
MAX_ID_LENGTH = 100


class Webhook:
    kind = ChannelKind.WEBHOOK

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        if not address.webhook_secret:
            raise Failed(_("The webhook has no secret to sign with; give it one, here and there."), permanent=True)
        body = payload(message)
        # Signed with the machine's time, not with one that a test has moved: the receiver compares with its own clock.
        headers = {
            "Content-Type": "application/json",
            KEY_HEADER: one_line(message.key).encode("ascii", "replace").decode(),
            SIGNATURE_HEADER: signature(address.webhook_secret, int(time.time()), body),
        }
        answer = wire.call(wire.Request(url=address.webhook_url, headers=headers, body=body), timeout_seconds)
        refuse_unless_taken(answer, address.webhook_url)
        return answered(answer, address.webhook_secret, address.webhook_url)

    def why_not_ready(self) -> str:
        return ""


def payload(message: Message) -> bytes:
    told = {
        "key": message.key,
        "title": message.title,
        "body": message.body,
        "url": message.url,
        "severity": message.severity,
        "tag": message.tag,
        "data": dict(message.data),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, at_unix_seconds: int, body: bytes) -> str:
    signed = hmac.new(secret.encode(), f"{at_unix_seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_unix_seconds},v1={signed}"


def refuse_unless_taken(answer: wire.Answer, url: str) -> None:
    """Raises Failed for all but 2xx. Gone for good is 410 alone: a 404 is often a receiver that is being installed."""
    if 200 <= answer.status < 300:
        return
    names = {"where": guard.target(url, trusted=True).where, "status": answer.status}
    if answer.status == 410:
        sentence = _("%(where)s says that this address is gone (410); enter the new one.")
    elif 300 <= answer.status < 400:
        sentence = _("%(where)s sends us elsewhere (%(status)s), which is not followed; enter the final address.")
    elif answer.status in (401, 403):
        sentence = _("%(where)s lets us not in (%(status)s); see whether both sides have the same secret.")
    elif answer.status == 429 or answer.status >= 500:
        sentence = _("%(where)s can't take it now (%(status)s); it is told again, see to it if that lasts.")
    else:
        sentence = _("%(where)s refuses what we tell (%(status)s); see its log.")
    raise Failed(sentence % names, permanent=answer.status == 410, code=str(answer.status))


def answered(answer: wire.Answer, *secrets: str) -> str:
    """The status, and the id that the other side gave, if its answer is JSON with one; nothing else of its words."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    given = told.get("id") if isinstance(told, dict) else None
    if isinstance(given, str | int) and not isinstance(given, bool):
        return f"{answer.status} {one_line(str(given), without=secrets, length=MAX_ID_LENGTH)}"
    return str(answer.status)
