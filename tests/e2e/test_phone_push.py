"""Push on the phone's side, in a real browser: the switch, the notification, and no connection.

The page and its two addresses are the test's own: only what the scripts in static/floor do is looked at here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.andon.channels import push_keys
from tests.environment import BASE_DIR

pytestmark = pytest.mark.browser
WORDS = {
    "on": "This phone is told.",
    "off": "This phone is not told.",
    "denied": "Notifications are forbidden.",
    "failed": "It did not work.",
    "going": "Going",
    "open": "Open",
    "offline": "No connection <now>",
}
KEY = push_keys.public_of(push_keys.make())
PAGE = f"""<!doctype html><title>phone</title>
<section data-push data-script="/phone/push.js" data-scope="/phone/" data-key="{KEY}" data-save="/phone/save"
  data-drop="/phone/drop" data-words='{json.dumps(WORDS)}'>
  <input type="hidden" name="csrfmiddlewaretoken" value="the-token"><p role="status" data-push-state></p>
  <button type="button" data-push-on hidden>Switch on</button>
  <button type="button" data-push-off hidden>Switch off</button>
</section><script src="/phone_push.js"></script>"""
# Browsers speak to their maker's push service only: this stands for it, and for nothing else.
SERVICE = """
(() => {
  let made = null;
  const give = (options) => ({ options, endpoint: "https://push.example/1",
    unsubscribe: async () => { made = null; return true; },
    toJSON: () => ({ endpoint: "https://push.example/1", keys: { p256dh: "P", auth: "A" } }) });
  PushManager.prototype.subscribe = async ({ applicationServerKey: key }) =>
    (made = give({ applicationServerKey: key.buffer }));
  PushManager.prototype.getSubscription = async () => made;
})()
"""


@dataclass
class Plant:
    port: int = 0
    status: int = 204
    told: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/phone/"


@contextmanager
def serving() -> Iterator[tuple[Plant, ThreadingHTTPServer]]:
    plant = Plant()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            name = self.path.partition("?")[0].rpartition("/")[2]
            script = BASE_DIR / "static" / "floor" / name
            body = script.read_bytes() if name.endswith(".js") else PAGE.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if name.endswith(".js") else "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            plant.told.append((self.path, self.headers["X-CSRFToken"], body))
            self.send_response(plant.status)
            self.end_headers()

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    plant.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield plant, server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def plant() -> Iterator[Plant]:
    with serving() as (running, _):
        yield running


@pytest.fixture
def context(chromium_browser: Browser) -> Iterator[BrowserContext]:
    made = chromium_browser.new_context()
    yield made
    made.close()


def opened(context: BrowserContext, plant: Plant) -> Page:
    context.grant_permissions(["notifications"], origin=f"http://localhost:{plant.port}")
    page = context.new_page()
    page.add_init_script(SERVICE)
    page.goto(plant.url)
    return page


def test_a_press_switches_push_on_and_another_off(context: BrowserContext, plant: Plant) -> None:
    page = opened(context, plant)
    expect(page.get_by_role("status")).to_have_text("This phone is not told.")
    assert plant.told == []
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("status")).to_have_text("This phone is told.")
    subscription = {"endpoint": "https://push.example/1", "keys": {"p256dh": "P", "auth": "A"}}
    assert plant.told == [("/phone/save", "the-token", subscription)]
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("status")).to_have_text("This phone is not told.")
    assert plant.told[1:] == [("/phone/drop", "the-token", subscription)]


def test_it_is_not_on_before_the_server_has_it(context: BrowserContext, plant: Plant) -> None:
    plant.status = 500
    page = opened(context, plant)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("status")).to_have_text("It did not work.")
    expect(page.get_by_role("button", name="Switch on")).to_be_enabled()


def test_what_is_told_is_shown_and_grouped(context: BrowserContext, plant: Plant) -> None:
    page = opened(context, plant)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("status")).to_have_text("This phone is told.")
    wire = context.new_cdp_session(page)
    found: list[str] = []
    wire.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    wire.send("ServiceWorker.enable")
    page.wait_for_timeout(300)
    for title in ("Line 2 stands", "Line 2 stands: level 2"):
        told = {"title": title, "body": "A34", "tag": "exception:17", "url": f"{plant.url}exceptions/17/"}
        delivery = {"origin": f"http://localhost:{plant.port}", "registrationId": found[0], "data": json.dumps(told)}
        wire.send("ServiceWorker.deliverPushMessage", delivery)
    shown = """async () => (await (await navigator.serviceWorker.getRegistration("/phone/")).getNotifications())
        .map((one) => [one.title, one.body, one.tag, one.data.url, one.actions.map((action) => action.title)])"""
    page.wait_for_timeout(500)
    assert page.evaluate(shown) == [
        ["Line 2 stands: level 2", "A34", "exception:17", f"{plant.url}exceptions/17/", ["Going", "Open"]]
    ]


def test_without_a_connection_the_phone_says_so(context: BrowserContext) -> None:
    with serving() as (plant, _):
        page = opened(context, plant)
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("status")).to_have_text("This phone is told.")
    page.goto(f"{plant.url}exceptions/17/")
    expect(page.get_by_role("alert")).to_have_text("No connection <now>")
