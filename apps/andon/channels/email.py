"""E-mail by the plant's own mail server."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.andon.channels.deadline import LateError, within
from apps.andon.channels.interface import Address, ChannelKind, Failed, Message, one_line

MAX_SUBJECT_LENGTH = 200


class Email:
    kind = ChannelKind.EMAIL

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        if reason := self.why_not_ready():
            raise Failed(reason)
        try:
            validate_email(address.email)
        except ValidationError:
            raise Failed(_("The e-mail address is none; correct it."), permanent=True) from None
        mail = composed(message, address.email)
        # The deadline comes first: the library makes a lost connection of a time that is over.
        backend = EmailBackend(timeout=timeout_seconds + 1)
        mail.connection = backend

        def cut() -> None:
            connection = getattr(backend.connection, "sock", None)
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

        try:
            within(timeout_seconds, mail.send, give_up=cut)
        except Exception as error:  # noqa: BLE001  # whatever a far server makes the library raise is a failed delivery
            raise _failure(error, timeout_seconds) from None
        return str(mail.extra_headers["Message-ID"])

    def why_not_ready(self) -> str:
        if not settings.EMAIL_HOST:
            return _("No mail server is set: set EMAIL_HOST and EMAIL_FROM and start again.")
        if not domain():
            return _("Mails have no sender: set EMAIL_FROM to an address and start again.")
        return ""


def composed(message: Message, recipient: str) -> EmailMessage:
    """All mails of one exception name the same first mail, which was never sent: mail programs show them as one."""
    first = f"<exception.{_digest(message.tag)}@{domain()}>"
    return EmailMessage(
        subject=one_line(message.title, length=MAX_SUBJECT_LENGTH),
        body=f"{message.body}\n\n{message.url}\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[recipient],
        headers={
            "Message-ID": f"<{_digest(message.key)}@{domain()}>",
            "In-Reply-To": first,
            "References": first,
            "List-Id": f"mfgos <exceptions.{domain()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )


def domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _failure(error: Exception, timeout_seconds: float) -> Failed:
    names: dict[str, str] = {
        "where": f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
        "seconds": f"{timeout_seconds:g}",
    }
    if isinstance(error, smtplib.SMTPAuthenticationError):
        sentence = _("The mail server %(where)s refuses our login; correct EMAIL_USER and EMAIL_PASSWORD.")
        return Failed(sentence % names, code=str(error.smtp_code))
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _refused(names, code, said, whom=True)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 400:
        return _refused(names, error.smtp_code, error.smtp_error, whom=False)
    if isinstance(error, smtplib.SMTPException):
        sentence = _("%(where)s does not answer as a mail server does; correct EMAIL_HOST, EMAIL_PORT and EMAIL_TLS.")
    elif isinstance(error, LateError | TimeoutError):
        sentence = _("The mail server %(where)s did not answer within %(seconds)s s; see to it.")
    elif isinstance(error, ssl.SSLError):
        sentence = _("The mail server %(where)s shows no valid certificate; renew it, or correct EMAIL_TLS.")
    elif isinstance(error, OSError):
        sentence = _("The mail server %(where)s can't be reached; see whether it runs and EMAIL_HOST is right.")
    else:
        sentence = _("The mail can't be made for the mail server %(where)s; see the addresses.")
    return Failed(sentence % names)


def _refused(names: dict[str, str], code: int, said: bytes | str, *, whom: bool) -> Failed:
    """Only a recipient can be gone for good: what is wrong with us or the text is mended here."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    given = {**names, "code": str(code), "said": one_line(text, without=[settings.EMAIL_HOST_PASSWORD])}
    if whom:
        sentence = _("The mail server %(where)s refuses the recipient (%(code)s: %(said)s); correct the address.")
        return Failed(sentence % given, permanent=500 <= code < 600, code=str(code))
    return Failed(_("The mail server %(where)s refuses the mail (%(code)s: %(said)s).") % given, code=str(code))
