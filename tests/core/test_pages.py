"""Pages as the server asks for them: whole in one thread, with Django's own answers to what is wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.utils import translation

from apps.core.pages import AT_ONCE, LONG_SECONDS, PageHandler
from tests.core.loops import on_a_loop

come = threading.Event()
seen: list[tuple[str, int, str]] = []


def plain(request: HttpRequest) -> HttpResponse:
    seen.append(("view", threading.get_ident(), translation.get_language()))
    response = HttpResponse(f"{request.method} {request.body.decode()}")
    response.set_cookie("kept", "yes")
    return response


def german(_request: HttpRequest) -> HttpResponse:
    translation.activate("de")
    return HttpResponse("ja")


def long(_request: HttpRequest) -> StreamingHttpResponse:
    def rows() -> Iterator[str]:
        for number in range(1000):
            seen.append(("row", threading.get_ident(), str(number)))
            yield f"{number}\n"

    return StreamingHttpResponse(rows())


def waiting(_request: HttpRequest) -> HttpResponse:
    assert come.wait(10)
    return HttpResponse("at last")


def proxied(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.headers.get("X-Forwarded-Proto", "no proxy"))


def broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault")


urlpatterns = [
    path("plain/", plain),
    path("german/", german),
    path("long/", long),
    path("waiting/", waiting),
    path("broken/", broken),
    path("proxied/", proxied),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def middleware() -> Iterator[None]:
    """Of the kinds that Django itself would hop for."""
    seen.clear()
    with override_settings(MIDDLEWARE=[f"{__name__}.noting", "django.middleware.common.CommonMiddleware"]):
        yield


def noting(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        seen.append(("middleware", threading.get_ident(), ""))
        return get_response(request)

    return middleware


async def ask(
    handler: PageHandler,
    address: str,
    body: bytes = b"",
    *,
    query: bytes = b"",
    headers: Any = (),
    leaves_after: int | None = None,
) -> list[dict[str, Any]]:
    """All messages of the answer; the browser leaves after so many."""
    got: list[dict[str, Any]] = []
    left = asyncio.Event()
    bodies = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if bodies:
            return bodies.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        got.append(message)
        if leaves_after is not None and len(got) >= leaves_after:
            left.set()

    method = "POST" if body else "GET"
    scope = {"type": "http", "method": method, "path": address, "query_string": query, "http_version": "1.1"}
    await handler({**scope, "headers": [(b"host", b"testserver"), *headers]}, receive, send)
    return got


def test_a_page_is_answered_in_one_thread() -> None:
    start, body = on_a_loop(ask(PageHandler(), "/plain/", b"what was typed"))
    assert (start["status"], body["body"], body["more_body"]) == (200, b"POST what was typed", False)
    assert (b"Set-Cookie", b"kept=yes; Path=/") in start["headers"]
    assert len({thread for _, thread, _ in seen}) == 1
    assert threading.get_ident() not in {thread for _, thread, _ in seen}


def test_the_next_page_of_a_thread_finds_nothing_of_the_last() -> None:
    async def both() -> None:
        handler = PageHandler(threads=1)
        await ask(handler, "/german/")
        await ask(handler, "/plain/")

    on_a_loop(both())
    assert seen[-1][2] == "en"


def test_what_streams_is_sent_while_it_is_made() -> None:
    got = on_a_loop(ask(PageHandler(), "/long/"))
    assert b"".join(message.get("body", b"") for message in got) == b"".join(b"%d\n" % n for n in range(1000))
    assert len(got) == 1002, "the head, each row by itself, the end"
    assert len({thread for kind, thread, _ in seen if kind == "row"}) == 1


def test_nothing_more_is_made_for_a_browser_that_has_left() -> None:
    on_a_loop(ask(PageHandler(), "/long/", leaves_after=5))
    assert len([kind for kind, *_ in seen if kind == "row"]) < 50


def test_pages_wait_for_a_thread_and_are_all_answered() -> None:
    async def many() -> list[list[dict[str, Any]]]:
        handler = PageHandler(threads=2)
        return await asyncio.gather(*(ask(handler, "/plain/", b"%d" % number) for number in range(1, 50)))

    bodies = {got[1]["body"] for got in on_a_loop(many())}
    assert bodies == {b"POST %d" % number for number in range(1, 50)}


def test_a_fault_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    start, *_ = on_a_loop(ask(PageHandler(), "/broken/"))
    assert start["status"] == 500
    assert "a fault" in caplog.text


def test_an_address_that_is_no_text_is_refused() -> None:
    start, *_ = on_a_loop(ask(PageHandler(), "/plain/", query=b"\xff"))
    assert start["status"] == 400
    assert not seen


def test_a_header_that_only_looks_like_one_that_a_proxy_sets_is_not_read() -> None:
    """With an underscore it would get the name of the real one."""
    _, body = on_a_loop(ask(PageHandler(), "/proxied/", headers=[(b"x_forwarded_proto", b"https")]))
    assert body["body"] == b"no proxy"


def test_only_http_is_answered() -> None:
    async def other() -> None:
        await PageHandler()({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="lifespan"):
        on_a_loop(other())


def test_pages_that_wait_for_something_do_not_hold_up_the_others() -> None:
    """As many as run at once wait for a lock; the next comes in beside them."""

    async def many() -> list[list[dict[str, Any]]]:
        handler = PageHandler()
        waiting = [asyncio.ensure_future(ask(handler, "/waiting/")) for _ in range(AT_ONCE)]
        answer = await asyncio.wait_for(ask(handler, "/plain/"), 5)
        assert [page.result() for page in waiting if page.done()] == []
        come.set()
        return [answer, *await asyncio.gather(*waiting)]

    come.clear()
    assert [got[0]["status"] for got in on_a_loop(many())] == [200] * (AT_ONCE + 1)


def test_places_come_back_after_long_pages_as_after_short_ones() -> None:
    async def many() -> int:
        handler = PageHandler()
        waiting = [asyncio.ensure_future(ask(handler, "/waiting/")) for _ in range(AT_ONCE)]
        await asyncio.sleep(LONG_SECONDS * 2)
        come.set()
        await asyncio.gather(*waiting)
        for _ in range(AT_ONCE * 2):
            await ask(handler, "/broken/")
        return handler._places._value

    come.clear()
    assert on_a_loop(many()) == AT_ONCE
