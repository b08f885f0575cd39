"""E-mail arrives at a real mail server, threads, and says who did not take it."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from apps.andon.channels.email import Email
from apps.andon.channels.interface import Address, ChannelKind, Failed
from tests.andon.channels.servers import HOST, message
from tests.broker import free_port

ANN = Address(kind=ChannelKind.EMAIL, email="ann@plant.example")


class Mailbox:
    """Takes mail for everybody but those refused; `words` is what it says to those."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.words = ""
        self.after_data = "250 taken"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.words:
            return self.words
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.recipients.append(envelope.rcpt_tos)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return self.after_data


@contextmanager
def mail_server(settings: Any, **options: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname=HOST, port=port, **options)
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = HOST, port, False
    settings.DEFAULT_FROM_EMAIL = '"mfgos, Werk Nord" <mfgos@plant.example>'
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


def test_a_mail_arrives_with_what_it_says_and_that_a_machine_wrote_it(mailbox: Mailbox) -> None:
    answer = Email().send(message(), ANN, 5)
    (mail,) = mailbox.mails
    assert mailbox.recipients == [["ann@plant.example"]]
    assert (mail["Subject"], mail["To"]) == ("Line 2 stands: Säge klemmt", "ann@plant.example")
    assert "A34 since 10:02" in mail.get_content()
    assert "https://plant.example/phone/exceptions/17/" in mail.get_content()
    assert mail["Message-ID"] == answer
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "mfgos <exceptions.plant.example>"


def test_the_same_telling_has_the_same_id_and_mails_of_one_exception_hang_together(mailbox: Mailbox) -> None:
    for changes in ({}, {}, {"key": "notification:18:1"}, {"key": "notification:19:1", "tag": "exception:18"}):
        Email().send(message(**changes), ANN, 5)
    ids, threads = ([mail[name] for mail in mailbox.mails] for name in ("Message-ID", "References"))
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert threads[0] == threads[1] == threads[2] != threads[3]
    assert [mail["In-Reply-To"] for mail in mailbox.mails] == threads


def test_a_title_with_line_breaks_makes_no_header(mailbox: Mailbox) -> None:
    Email().send(message(title="Stop\r\nBcc: eve@elsewhere.example\n\nno body"), ANN, 5)
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mailbox.recipients == [["ann@plant.example"]]
    assert mail["Subject"] == "Stop Bcc: eve@elsewhere.example no body"


def test_a_recipient_that_is_gone_is_not_tried_again(mailbox: Mailbox) -> None:
    mailbox.words = "550 5.1.1 no such person"
    with pytest.raises(Failed, match="no such person") as caught:
        Email().send(message(), ANN, 5)
    assert (caught.value.permanent, caught.value.code) == (True, "550")


def test_a_mailbox_that_is_full_for_now_is_tried_again(mailbox: Mailbox) -> None:
    mailbox.words = "452 4.2.2 mailbox full"
    with pytest.raises(Failed, match="mailbox full") as caught:
        Email().send(message(), ANN, 5)
    assert (caught.value.permanent, caught.value.code) == (False, "452")


def test_a_mail_that_is_refused_is_our_fault_not_the_recipients(mailbox: Mailbox) -> None:
    mailbox.after_data = "554 5.7.1 looks like spam"
    with pytest.raises(Failed, match="looks like spam") as caught:
        Email().send(message(), ANN, 5)
    assert (caught.value.permanent, caught.value.code) == (False, "554")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_wrong_password_says_which_settings_to_correct(settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "mfgos", "hush-hush-4711"

    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False, message="535 5.7.8 hush-hush-4711 is wrong")

    with (
        mail_server(settings, authenticator=refuse, auth_required=True, auth_require_tls=False) as mailbox,
        pytest.raises(Failed, match="EMAIL_PASSWORD") as caught,
    ):
        Email().send(message(), ANN, 5)
    assert mailbox.mails == []
    assert "hush" not in caught.value.sentence
    assert not caught.value.permanent


def test_a_server_without_tls_gets_no_mail_when_tls_is_asked_for(mailbox: Mailbox, settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    with pytest.raises(Failed, match="EMAIL_TLS"):
        Email().send(message(), ANN, 5)
    assert mailbox.mails == []


@pytest.mark.parametrize("way", ["EMAIL_USE_TLS", "EMAIL_USE_SSL"])
def test_with_tls_only_to_a_server_whose_certificate_is_trusted(
    way: str, certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    option = {"tls_context": tls, "require_starttls": True} if way == "EMAIL_USE_TLS" else {"ssl_context": tls}
    with mail_server(settings, **option) as mailbox:
        settings.EMAIL_HOST = "localhost"
        setattr(settings, way, True)
        with pytest.raises(Failed, match="certificate"):
            Email().send(message(), ANN, 5)
        assert mailbox.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Email().send(message(), ANN, 5)
        assert len(mailbox.mails) == 1
