"""A webhook is signed, tells once, goes where it may and is bounded."""

from __future__ import annotations

import json
import re
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from apps.andon.channels import guard, wire
from apps.andon.channels.interface import Address, ChannelKind, Failed
from apps.andon.channels.webhook import Webhook, signature
from tests.andon.channels.servers import HOST, message, web
from tests.environment import BASE_DIR

SECRET = "hush-hush-4711"


@pytest.fixture(autouse=True)
def _this_machine(settings: Any) -> None:
    settings.WEBHOOK_HTTP_HOSTS = [HOST]


def to(url: str) -> Address:
    return Address(kind=ChannelKind.WEBHOOK, webhook_url=url, webhook_secret=SECRET)


def documented_check() -> Any:
    """The example that docs/integrators.md gives to receivers."""
    text = (BASE_DIR / "docs" / "integrators.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?def is_from_mfgos.*?)```", text, re.DOTALL)
    assert found, "docs/integrators.md shows how a receiver checks the signature"
    names: dict[str, Any] = {}
    exec(found.group(1), names)
    return names["is_from_mfgos"]


def test_what_arrives_is_what_was_told_and_its_signature_holds_as_documented() -> None:
    with web(202, b'{"id": "case-9"}') as server:
        assert Webhook().send(message(), to(f"{server.url}/hooks?a=1"), 5) == "202 case-9"
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/hooks?a=1")
    assert asked.headers["Idempotency-Key"] == "notification:17:1"
    assert asked.headers["Content-Type"] == "application/json"
    told = json.loads(asked.body)
    assert told["title"] == "Line 2 stands: Säge klemmt"
    assert told["data"] == {"exception": 17, "line": "L2"}
    check, header = documented_check(), asked.headers["Mfgos-Signature"]
    assert check(SECRET, header, asked.body)
    assert not check(SECRET, header, asked.body + b" ")
    assert not check("another secret", header, asked.body)
    at = int(header.partition(",")[0].removeprefix("t="))
    assert not check(SECRET, header.replace(f"t={at}", f"t={at + 1}"), asked.body)
    assert abs(at - time.time()) < 60


def test_a_signature_that_somebody_kept_is_of_no_use_later() -> None:
    body = b"{}"
    hour_old = int(time.time()) - 3_600
    assert not documented_check()(SECRET, signature(SECRET, hour_old, body), body)
    assert documented_check()(SECRET, signature(SECRET, int(time.time()), body), body)


@pytest.mark.parametrize(
    ("status", "permanent", "word"),
    [
        (500, False, "told again"),
        (429, False, "told again"),
        (410, True, "gone"),
        (404, False, "log"),
        (401, False, "secret"),
    ],
)
def test_a_refusal_is_told_apart(status: int, permanent: bool, word: str) -> None:
    with web(status) as server, pytest.raises(Failed, match=word) as caught:
        Webhook().send(message(), to(f"{server.url}/{SECRET}"), 5)
    assert (caught.value.permanent, caught.value.code) == (permanent, str(status))
    assert SECRET not in caught.value.sentence


def test_a_redirect_is_not_followed() -> None:
    with (
        web() as inner,
        web(307, Location=f"{inner.url}/inside") as server,
        pytest.raises(Failed, match="final address"),
    ):
        Webhook().send(message(), to(server.url), 5)
    assert inner.asked == []
    assert len(server.asked) == 1


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    with web(200, b'{"id": 1, "x": "' + b"y" * 50_000_000) as server:
        started_at = time.monotonic()
        assert Webhook().send(message(), to(server.url), 5) == "200"
    assert time.monotonic() - started_at < 2


def test_the_log_keeps_no_secret_that_the_other_side_sends_back() -> None:
    with web(200, json.dumps({"id": f"{SECRET}\r\nx"}).encode()) as server:
        assert Webhook().send(message(), to(server.url), 5) == "200 *** x"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]",
     "[64:ff9b::7f00:1]", "[fe80::1]", "100.100.100.200", "2130706433", "0x7f.1"],
)  # fmt: skip
def test_this_machine_and_what_clouds_tell_about_it_are_not_called(host: str, settings: Any) -> None:
    settings.WEBHOOK_HTTP_HOSTS = []
    with pytest.raises(Failed, match="never called") as caught:
        Webhook().send(message(), to(f"https://{host}/"), 5)
    assert caught.value.permanent


@pytest.mark.parametrize(
    "url",
    ["", "ftp://plant.example/", "https://", "https://user:word@plant.example/", "https://a b/", "https://x:99999/"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Failed) as caught:
        Webhook().send(message(), to(url), 5)
    assert caught.value.permanent
    assert "word" not in caught.value.sentence


def test_http_without_tls_only_to_hosts_that_are_named(settings: Any) -> None:
    with pytest.raises(Failed, match="MFGOS_WEBHOOK_HTTP_HOSTS"):
        Webhook().send(message(), to("http://cmms.example/"), 5)
    settings.WEBHOOK_HTTP_HOSTS = ["CMMS.example"]
    assert guard.target("http://cmms.example/in").where == "cmms.example:80"


def test_machines_of_the_plants_own_network_are_called() -> None:
    assert not any(map(guard.is_forbidden, ("10.1.2.3", "192.168.0.9", "172.16.4.4", "fd12::7", "93.184.216.34")))


def test_a_certificate_has_to_be_trusted_and_to_carry_the_name(
    certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_HTTP_HOSTS = ["localhost", HOST]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with web(200, tls=tls) as server:
        address = to(f"https://localhost:{server.port}/")
        with pytest.raises(Failed, match="certificate"):
            Webhook().send(message(), address, 5)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert Webhook().send(message(), address, 5) == "200"
        with pytest.raises(Failed, match="certificate"):
            Webhook().send(message(), to(f"https://{HOST}:{server.port}/"), 5)
    assert len(server.asked) == 1
    assert server.asked[0].headers["Host"] == f"localhost:{server.port}"


def test_the_answers_bound_is_the_wires() -> None:
    with web(200, b"z" * 100_000) as server:
        answer = wire.call(wire.Request(url=server.url, headers={}, body=b"{}"), 5)
    assert len(answer.body) == wire.MAX_ANSWER_BYTES
