"""The hub of one web process on a real database: what reaches a screen, how often, and what happens when it is cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import translation

from apps.core import live
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.hub import COALESCE_SECONDS, Hub

shown: dict[str, str] = {}
renderings: list[tuple[str, str]] = []


@live.fragment("tests-board", topics=lambda key: [f"tests:{key}"], may_view=lambda actor, key: key != "secret")
def board(key: str) -> str:
    renderings.append((key, translation.get_language() or ""))
    return f"<p>{shown.get(key, '')} {translation.get_language()}</p>"


@live.fragment("tests-quiet", topics=lambda key: [f"tests:{key}"], may_view=lambda actor, key: True, rest_seconds=1)
def quiet(key: str) -> str:
    renderings.append((f"quiet {key}", ""))
    return f"<p>{shown.get(key, '')}</p>"


def all_marks(keys: Collection[str]) -> dict[str, str]:
    renderings.append((" ".join(sorted(keys)), "together"))
    if "broken" in shown:
        raise RuntimeError("as the test wants it")
    return {key: mark.render(key) for key in keys if key != "left out"}


@live.fragment("tests-mark", topics=lambda key: ["tests:all"], may_view=lambda actor, key: True, render_all=all_marks)
def mark(key: str) -> str:
    return f"<p>{key} {shown.get('all', '')} {translation.get_language()}</p>"


@command("tests.show")
def show(context: Context, *, key: str, text: str) -> None:
    context.allow_anyone()
    shown[key] = text
    context.touch(f"tests:{key}")
    if text == "no":
        context.refuse("no", "No.")


class Screen:
    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.stale: list[bool] = []

    def offer(self, address: str, frame: str) -> None:
        self.frames.append(json.loads(frame))

    def beat(self, number: int, frame: str) -> None:
        self.stale.append(json.loads(frame)["stale"])

    def recheck(self) -> None: ...

    @property
    def html(self) -> str:
        return str(self.frames[-1]["html"]) if self.frames else ""


@pytest.fixture(autouse=True)
def _blank() -> None:
    shown.clear()
    renderings.clear()


def on_a_hub(story: Callable[[Hub], Awaitable[None]]) -> None:
    async def run() -> None:
        hub = Hub()
        try:
            await asyncio.wait_for(until(lambda: hub.connected), 5)
            await asyncio.wait_for(story(hub), 20)
        finally:
            hub.close()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come within 5 s")


async def say(key: str, text: str) -> None:
    def run() -> None:
        try:
            show(actor=Actor.system("tests"), command_id=uuid4(), key=key, text=text)
        finally:
            connection.close()

    await asyncio.to_thread(run)


@pytest.mark.django_db(transaction=True)
class TestAScreen:
    def test_gets_the_whole_state_at_once_and_each_change_after_it(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-board:1", "en")
            await until(lambda: screen.html == "<p> en</p>")
            await say("1", "made 5")
            await until(lambda: screen.html == "<p>made 5 en</p>")
            assert screen.frames[-1]["fragment"] == "tests-board:1"

        on_a_hub(story)

    def test_that_comes_second_costs_no_rendering_of_its_own(self) -> None:
        async def story(hub: Hub) -> None:
            first, second, german = Screen(), Screen(), Screen()
            await hub.subscribe(first, "tests-board:1", "en")
            await until(lambda: bool(first.frames))
            await hub.subscribe(second, "tests-board:1", "en")
            await hub.subscribe(german, "tests-board:1", "de")
            await until(lambda: bool(german.frames))
            assert second.html == first.html
            assert renderings == [("1", "en"), ("1", "de")]
            await say("1", "made 6")
            await until(
                lambda: "made 6" in first.html and "made 6" in second.html and german.html == "<p>made 6 de</p>"
            )
            assert sorted(renderings) == [("1", "de"), ("1", "de"), ("1", "en"), ("1", "en")]

        on_a_hub(story)

    @pytest.mark.parametrize("also_shown", [{}, {"broken": "yes"}], ids=["whole", "broken"])
    def test_among_many_that_change_with_the_same_word_is_rendered_with_them_once(
        self, also_shown: dict[str, str]
    ) -> None:
        """And by itself, where rendering them together leaves it out or fails."""

        async def story(hub: Hub) -> None:
            screens = {key: Screen() for key in ("1", "2", "3", "left out")}
            for key, screen in screens.items():
                await hub.subscribe(screen, f"tests-mark:{key}", "de")
            await until(lambda: all(screen.html == f"<p>{key}  de</p>" for key, screen in screens.items()))
            await asyncio.sleep(2 * COALESCE_SECONDS)  # none rests any more
            renderings.clear()
            shown.update(also_shown)
            await say("all", "now")
            await until(lambda: all(screen.html == f"<p>{key} now de</p>" for key, screen in screens.items()))
            assert renderings == [("1 2 3 left out", "together")]

        on_a_hub(story)

    def test_of_a_fragment_that_rests_gets_the_last_state_after_the_rest_and_none_between(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-quiet:1", "en")
            await until(lambda: bool(screen.frames))
            for made in range(6):
                await say("1", f"made {made}")
                await asyncio.sleep(0.03)
            await until(lambda: screen.html == "<p>made 5</p>")
            assert len(screen.frames) <= 3

        on_a_hub(story)

    def test_hears_nothing_of_another_topic_nor_of_a_refused_change(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-board:1", "en")
            await until(lambda: bool(screen.frames))
            await say("2", "made 7")
            with pytest.raises(Exception, match="No"):
                await say("1", "no")
            await asyncio.sleep(0.3)
            assert len(screen.frames) == 1

        on_a_hub(story)

    def test_gets_no_frame_when_nothing_it_shows_has_changed(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-board:1", "en")
            await until(lambda: bool(screen.frames))
            await say("1", "")
            await until(lambda: len(renderings) == 2)
            await asyncio.sleep(0.05)
            assert len(screen.frames) == 1

        on_a_hub(story)

    def test_gets_a_burst_as_few_frames_and_ends_on_the_last_state(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-board:1", "en")
            await until(lambda: bool(screen.frames))
            await asyncio.sleep(0.2)
            for made in range(50):
                await say("1", f"made {made}")
            await until(lambda: screen.html == "<p>made 49 en</p>")
            assert len(screen.frames) < 25

        on_a_hub(story)

    def test_is_told_that_it_is_stale_and_gets_everything_anew_when_the_listener_is_back(self) -> None:
        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, "tests-board:1", "en")
            await until(lambda: bool(screen.frames))
            await asyncio.to_thread(cut_listeners)
            await until(lambda: True in screen.stale)
            shown["1"] = "missed"
            await until(lambda: screen.html == "<p>missed en</p>")
            assert screen.stale[-1] is False

        on_a_hub(story)


def cut_listeners() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'mfgos live' AND datname = current_database()"
            )
    finally:
        connection.close()


@pytest.mark.django_db
def test_a_topic_is_announced_inside_a_transaction_only() -> None:
    with pytest.raises(ValueError, match="short"), transaction.atomic():
        live.announce(["x" * 300])


def test_an_unknown_fragment_is_no_fragment() -> None:
    for address in ["nothing:1", "tests-board", "tests-board:"]:
        with pytest.raises(LookupError):
            live.find(address)
