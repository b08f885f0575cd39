"""Whatever the other side does: a sentence that says what, where and what to do, in time, and no secret in it."""

from __future__ import annotations

import base64
import logging
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.andon.channels import light, push_keys
from apps.andon.channels.interface import Address, ChannelKind, Failed
from apps.andon.channels.registry import CHANNELS
from tests.andon.channels.servers import HOST, Behaviour, closed, dripping, garbage, message, silent, tcp

TIMEOUT_SECONDS = 0.8
MORNING = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
SECRET = "hush-hush-4711"
AUTH = base64.urlsafe_b64encode(b"hush-hush-471100").decode()
POINT = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
KEY = push_keys.make()
FAR = [ChannelKind.LIGHT, ChannelKind.PUSH, ChannelKind.EMAIL, ChannelKind.WEBHOOK, ChannelKind.SMS]


@pytest.fixture(autouse=True)
def _close_light() -> Any:
    yield
    CHANNELS[ChannelKind.LIGHT].close()  # type: ignore[attr-defined]


def aim(settings: Any, kind: ChannelKind, host: str, port: int) -> Address:
    """Everything of this kind leads there, with a secret in every place that can hold one."""
    settings.WEBHOOK_HTTP_HOSTS = [host]
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = host, port, False
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "andon", SECRET
    settings.DEFAULT_FROM_EMAIL = "mfgos@plant.example"
    settings.MQTT_URL = f"mqtt://andon:{SECRET}@{host}:{port}"
    settings.SMS_URL = f"http://{host}:{port}/{SECRET}?to={{number}}"
    settings.SMS_HEADERS, settings.SMS_BODY = {"Authorization": f"Bearer {SECRET}"}, None
    settings.PUSH_KEY, settings.PUSH_CONTACT = KEY, "mailto:it@plant.example"
    return Address(
        kind=kind,
        email="ann@plant.example",
        phone="+49 151 23456789",
        endpoint=f"http://{host}:{port}/{SECRET}",
        p256dh=base64.urlsafe_b64encode(POINT).decode(),
        auth=AUTH,
        webhook_url=f"http://{host}:{port}/{SECRET}",
        webhook_secret=SECRET,
        topic=light.topic("Nord", "L2", "A34"),
    )


def fail(kind: ChannelKind, address: Address, caplog: pytest.LogCaptureFixture) -> Failed:
    caplog.set_level(logging.DEBUG)
    data = light.signal(light.Colour.RED, at=MORNING, exception=17)
    started_at = time.monotonic()
    with pytest.raises(Failed) as caught:
        CHANNELS[kind].send(message(data=data), address, TIMEOUT_SECONDS)
    assert time.monotonic() - started_at < TIMEOUT_SECONDS + 1
    failed = caught.value
    for text in (failed.sentence, failed.code, str(failed), repr(failed), repr(address), caplog.text):
        for secret in (SECRET, AUTH, KEY):
            assert secret not in text
    assert failed.sentence[-1] == "."
    assert "Traceback" not in failed.sentence
    assert "\n" not in failed.sentence
    return failed


@pytest.mark.parametrize("kind", FAR)
@pytest.mark.parametrize(
    "behaviour", [None, silent, dripping, garbage], ids=["closed", "silent", "dripping", "garbage"]
)
def test_a_server_that_does_not_do_its_part_is_named_in_time(
    kind: ChannelKind, behaviour: Behaviour | None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with tcp(behaviour) if behaviour else closed() as port:
        failed = fail(kind, aim(settings, kind, HOST, port), caplog)
    assert f"{HOST}:{port}" in failed.sentence
    assert not failed.permanent


@pytest.mark.parametrize("kind", FAR)
@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_a_server_out_of_reach_is_named_in_time(
    kind: ChannelKind, host: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failed = fail(kind, aim(settings, kind, host, 9), caplog)
    assert host in failed.sentence
    assert not failed.permanent


MISSING = {
    ChannelKind.EMAIL: {"EMAIL_HOST": ""},
    ChannelKind.LIGHT: {"MQTT_URL": ""},
    ChannelKind.PUSH: {"PUSH_KEY": ""},
    ChannelKind.SMS: {"SMS_URL": ""},
}
WRONG = {
    ChannelKind.EMAIL: {"DEFAULT_FROM_EMAIL": "nobody"},
    ChannelKind.LIGHT: {"MQTT_URL": f"http://andon:{SECRET}@broker:99999"},
    ChannelKind.PUSH: {"PUSH_KEY": SECRET},
    ChannelKind.SMS: {"SMS_PROVIDER": "plant.nowhere.Provider"},
}


@pytest.mark.parametrize(
    ("kind", "changes"), [*MISSING.items(), *WRONG.items()], ids=lambda part: getattr(part, "value", "")
)
@pytest.mark.django_db
def test_what_is_not_configured_says_what_to_set(
    kind: ChannelKind, changes: dict[str, str], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    address = aim(settings, kind, HOST, 9)
    assert CHANNELS[kind].why_not_ready() == ""
    for name, value in changes.items():
        setattr(settings, name, value)
    sentence = CHANNELS[kind].why_not_ready()
    assert "set " in sentence or "correct " in sentence
    assert SECRET not in sentence
    assert fail(kind, address, caplog).sentence == sentence


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_an_address_that_can_not_be_right_is_not_tried_again(
    kind: ChannelKind, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    aim(settings, kind, HOST, 9)
    failed = fail(kind, Address(kind=kind, email="a\nb@c", phone="112", topic="", webhook_secret=SECRET), caplog)
    assert failed.permanent


def test_every_kind_has_its_way() -> None:
    assert set(CHANNELS) == set(ChannelKind)
    assert all(channel.kind == kind for kind, channel in CHANNELS.items())
