"""A push reaches the browser that has subscribed, and nobody in between can read it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import http_ece
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command

from apps.andon.channels import push_keys
from apps.andon.channels.interface import Address, ChannelKind, Failed
from apps.andon.channels.push import MAX_PAYLOAD_BYTES, TTL_SECONDS, Push, payload
from tests.andon.channels.servers import HOST, Asked, Web, message, web


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Phone:
    """What a browser keeps of its subscription."""

    key: ec.EllipticCurvePrivateKey
    auth: bytes = b"0123456789abcdef"

    def address(self, endpoint: str) -> Address:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Address(kind=ChannelKind.PUSH, endpoint=endpoint, p256dh=text(point), auth=text(self.auth))

    def read(self, asked: Asked) -> dict[str, Any]:
        opened = http_ece.decrypt(asked.body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        told: dict[str, Any] = json.loads(opened)
        return told


@pytest.fixture
def phone() -> Phone:
    return Phone(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def service(settings: Any) -> Iterator[Web]:
    """The push service in between."""
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    settings.PUSH_KEY, settings.PUSH_CONTACT = push_keys.make(), "mailto:it@plant.example"
    with web(201) as running:
        yield running


def test_the_phone_reads_what_was_told_and_nobody_else(service: Web, phone: Phone) -> None:
    assert Push().send(message(), phone.address(f"{service.url}/push/1"), 5) == "201"
    (asked,) = service.asked
    assert phone.read(asked) == {
        "key": "notification:17:1",
        "title": "Line 2 stands: Säge klemmt",
        "body": "A34 since 10:02. Nobody has acknowledged.",
        "url": "https://plant.example/phone/exceptions/17/",
        "severity": "down",
        "tag": "exception:17",
    }
    assert b"Line 2" not in asked.body
    assert (asked.headers["Content-Encoding"], asked.headers["Urgency"]) == ("aes128gcm", "high")
    assert asked.headers["TTL"] == str(TTL_SECONDS)
    with pytest.raises(http_ece.ECEException):
        Phone(ec.generate_private_key(ec.SECP256R1())).read(asked)


def test_messages_of_one_exception_replace_each_other_on_their_way(service: Web, phone: Phone) -> None:
    for tag in ("exception:17", "exception:17", "exception:18"):
        Push().send(message(tag=tag), phone.address(service.url), 5)
    first, second, other = (asked.headers["Topic"] for asked in service.asked)
    assert first == second != other
    assert len(first) <= 32


def test_the_push_service_can_tell_that_it_is_us(service: Web, phone: Phone) -> None:
    Push().send(message(), phone.address(f"{service.url}/push/1"), 5)
    scheme, _, rest = service.asked[0].headers["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    assert parts["k"] == push_keys.public_key()
    signed, _, signature = parts["t"].rpartition(".")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
    r, s = (int.from_bytes(half, "big") for half in (raw(signature)[:32], raw(signature)[32:]))
    point.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        point.verify(encode_dss_signature(r, s), signed.encode() + b"x", ec.ECDSA(SHA256()))
    claims = json.loads(raw(signed.partition(".")[2]))
    assert (claims["aud"], claims["sub"]) == (service.url, "mailto:it@plant.example")
    assert time.time() < int(claims["exp"]) <= time.time() + 24 * 3_600


@pytest.mark.parametrize(
    ("status", "permanent", "word"),
    [
        (404, True, "gone"),
        (410, True, "gone"),
        (403, False, "key"),
        (429, False, "told again"),
        (503, False, "told again"),
    ],
)
def test_a_subscription_that_is_gone_is_told_from_a_busy_service(
    service: Web, phone: Phone, status: int, permanent: bool, word: str
) -> None:
    service.status = status
    with pytest.raises(Failed, match=word) as caught:
        Push().send(message(), phone.address(f"{service.url}/hush-hush"), 5)
    assert (caught.value.permanent, caught.value.code) == (permanent, str(status))
    assert "hush" not in caught.value.sentence


def test_a_broken_subscription_is_not_tried(service: Web) -> None:
    broken = Address(kind=ChannelKind.PUSH, endpoint=service.url, p256dh="AAAA", auth="AAAA")
    with pytest.raises(Failed, match="off and on again") as caught:
        Push().send(message(), broken, 5)
    assert caught.value.permanent
    assert service.asked == []


def test_an_endpoint_that_leads_to_this_machine_is_not_called(service: Web, phone: Phone, settings: Any) -> None:
    settings.WEBHOOK_HTTP_HOSTS = []
    with pytest.raises(Failed, match="never called"):
        Push().send(message(), phone.address(f"https://{HOST}:{service.port}/"), 5)
    assert service.asked == []


def test_a_long_story_is_cut_to_what_push_services_take(service: Web, phone: Phone) -> None:
    Push().send(message(body="ü" * 5_000), phone.address(service.url), 5)
    assert phone.read(service.asked[0])["body"] == "ü" * 1_000
    assert len(service.asked[0].body) <= 4_096
    assert len(payload(message(body="\n" * 5_000))) <= MAX_PAYLOAD_BYTES


def test_a_key_that_is_kept_elsewhere_is_used_when_the_environment_has_none(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = push_keys.make()
    settings.PUSH_KEY, settings.PUSH_CONTACT = "", "mailto:it@plant.example"
    monkeypatch.setattr(push_keys, "SOURCES", [])
    assert push_keys.public_key() == ""
    assert "MFGOS_PUSH_KEY" in Push().why_not_ready()
    push_keys.source(lambda: kept)
    assert push_keys.public_key() == push_keys.public_of(kept)
    assert Push().why_not_ready() == ""
    settings.PUSH_KEY = push_keys.make()
    assert push_keys.public_key() != push_keys.public_of(kept)


def test_the_command_prints_a_pair_that_belongs_together(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_push_key")
    first, second = capsys.readouterr().out.splitlines()
    name, _, private = first.partition("=")
    assert name == "MFGOS_PUSH_KEY"
    assert second.endswith(push_keys.public_of(private))
    assert len(raw(private)) == 32
    assert len(raw(push_keys.public_of(private))) == 65
