"""An SMS goes through the provider that the plant has, told as that one wants it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.andon.channels.interface import Address, ChannelKind, Failed
from apps.andon.channels.sms import MAX_TEXT_LENGTH, Sms
from mfgos.environment import Environment
from tests.andon.channels.servers import Web, message, web

ANN = Address(kind=ChannelKind.SMS, phone="+49 (151) 234-56789")


class PlantsOwn:
    """What a plant may name: here, with a defect."""

    def send(self, number: str, text: str, key: str, timeout_seconds: float) -> str:
        raise KeyError(f"{number} hush-hush")

    def why_not_ready(self) -> str:
        return ""


@pytest.fixture
def service(settings: Any) -> Iterator[Web]:
    with web(202, b'{"id": 4711}') as running:
        settings.SMS_URL = f"{running.url}/send?to={{number}}&text={{text}}&ref={{key}}"
        settings.SMS_HEADERS = {"Authorization": "Bearer hush-hush"}
        settings.SMS_BODY = None
        yield running


def test_a_provider_that_wants_it_in_the_address(service: Web) -> None:
    assert Sms().send(message(body="{key} & more"), ANN, 5) == "202 4711"
    (asked,) = service.asked
    given = parse_qs(urlsplit(asked.path).query)
    assert asked.method == "GET"
    assert asked.headers["Authorization"] == "Bearer hush-hush"
    assert given["to"] == ["+4915123456789"]
    assert given["ref"] == ["notification:17:1"]
    assert given["text"] == [
        "Line 2 stands: Säge klemmt. {key} & more https://plant.example/phone/exceptions/17/",
    ]


def test_a_provider_that_wants_json(service: Web, settings: Any) -> None:
    settings.SMS_BODY = {"messages": [{"to": "{number}", "text": "{text}", "unicode": True}], "ref": "mfgos-{key}"}
    Sms().send(message(body='say "stop"'), ANN, 5)
    (asked,) = service.asked
    told = json.loads(asked.body)
    assert asked.method == "POST"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Idempotency-Key"] == "notification:17:1"
    assert told["messages"][0]["to"] == "+4915123456789"
    assert told["messages"][0]["unicode"] is True
    assert 'say "stop"' in told["messages"][0]["text"]
    assert told["ref"] == "mfgos-notification:17:1"


def test_a_long_text_is_cut_before_the_address_of_the_answer(service: Web, settings: Any) -> None:
    settings.SMS_BODY = {"text": "{text}"}
    Sms().send(message(body="word " * 200), ANN, 5)
    text = json.loads(service.asked[0].body)["text"]
    assert len(text) <= MAX_TEXT_LENGTH
    assert text.endswith("… https://plant.example/phone/exceptions/17/")


@pytest.mark.parametrize("number", ["112", "0151 234567", "+0151234567", "", "+49 abc", "+4915123456789012345"])
def test_a_number_that_is_not_international_is_not_called(service: Web, number: str) -> None:
    with pytest.raises(Failed, match="international") as caught:
        Sms().send(message(), Address(kind=ChannelKind.SMS, phone=number), 5)
    assert caught.value.permanent
    assert service.asked == []


def test_a_provider_that_refuses_is_named_without_the_secret(service: Web) -> None:
    service.status, service.body = 401, b"Bearer hush-hush is wrong"
    with pytest.raises(Failed, match="401") as caught:
        Sms().send(message(), ANN, 5)
    assert "hush" not in caught.value.sentence
    assert caught.value.code == "401"


def test_a_defect_in_the_plants_own_provider_stops_nobody(settings: Any) -> None:
    settings.SMS_PROVIDER = f"{__name__}.PlantsOwn"
    assert Sms().why_not_ready() == ""
    with pytest.raises(Failed, match=r"PlantsOwn fails \(KeyError\)") as caught:
        Sms().send(message(), ANN, 5)
    assert "hush" not in caught.value.sentence
    assert "4915" not in caught.value.sentence


def test_settings_that_are_no_json_end_the_start_without_showing_them() -> None:
    environment = Environment({"MFGOS_SMS_HEADERS": "Authorization: Bearer hush-hush", "EMPTY": ""})
    with pytest.raises(Exception, match="E006") as caught:
        environment.table("MFGOS_SMS_HEADERS")
    assert "hush" not in str(caught.value)
    assert environment.table("EMPTY") is None
