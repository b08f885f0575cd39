"""What a page asks again is read once; what an act decides by is always read anew."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from apps.core import rights
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.one_look import looking_anew, one_look, read_once

asked: list[int] = []


@read_once
def read(number: int) -> int:
    asked.append(number)
    return number * 2


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


def test_without_a_look_everything_is_read_each_time() -> None:
    assert [read(1), read(1), read(2)] == [2, 2, 4]
    assert asked == [1, 1, 2]


def test_within_a_look_each_input_is_read_once() -> None:
    with one_look():
        assert [read(1), read(1), read(2), read(1)] == [2, 2, 4, 2]
        with one_look():
            assert read(2) == 4, "a look within a look is the same look"
    assert asked == [1, 2]
    read(1)
    assert asked == [1, 2, 1], "the look is over"


def test_looking_anew_keeps_nothing_and_leaves_the_look_as_it_was() -> None:
    with one_look():
        read(1)
        with looking_anew():
            read(1)
            read(1)
        read(1)
    assert asked == [1, 1, 1]


@command("testing.look")
def look(context: Context, *, number: int) -> int:
    context.allow_anyone()
    return read(number)


@pytest.mark.django_db(transaction=True)
def test_a_command_never_decides_by_what_a_page_has_read() -> None:
    with one_look():
        read(1)
        look(Actor.system("test"), uuid4(), number=1)
    assert asked == [1, 1]


def test_a_page_is_one_look_and_the_answer_to_an_act_reads_after_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identify(*_: object) -> None:
        read(1)
        read(1)

    monkeypatch.setattr(rights, "identify", identify)
    client.get("/nowhere/")
    assert asked == [1]
    client.post("/nowhere/")
    assert asked == [1, 1, 1]
