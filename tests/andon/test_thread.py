"""Whoever must know answers in the same thread: the owner is told, and who has written hears the answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.andon.commands import acknowledge, remark
from apps.andon.models import FloorException, Notification, SiteRules
from apps.andon.owners import rules_of
from apps.core.errors import CommandRefused
from apps.plant.models import Person
from tests.andon.channels.test_email import Mailbox, mail_server
from tests.andon.floor import MORNING, Floor, later, make_floor, told
from tests.andon.reach import deliver_all, mail_to, states
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


@pytest.fixture
def petra(floor: Floor) -> Person:
    petra = floor.member("petra", "planner")
    floor.roster(petra, "planner", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
    return petra


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


def say(who: Person, exception: FloorException, text: str) -> None:
    run(remark, who, exception_id=exception.pk, text=text)


def of_remarks(exception: FloorException) -> list[tuple[str, str]]:
    return [(who, state) for who, why, state in states(exception) if why == "remark"]


def test_the_owner_reads_what_somebody_who_must_know_has_written(floor: Floor, petra: Person, mailbox: Mailbox) -> None:
    stop = floor.stop()
    mail_to(floor.mia)
    deliver_all()
    say(petra, stop, "WO-1 can wait until noon.")
    deliver_all()
    assert "Petra: “WO-1 can wait until noon.”" in mailbox.mails[-1].get_content()
    assert mailbox.mails[-1]["To"] == "mia@plant.example"


def test_the_answer_of_the_owner_reaches_who_has_written(floor: Floor, petra: Person) -> None:
    stop = floor.stop()
    say(petra, stop, "How long?")
    run(acknowledge, floor.mia, exception_id=stop.pk)
    say(floor.mia, stop, "An hour.")
    assert told(stop)[-2:] == [("mia", "remark"), ("petra", "remark")]


def test_nobody_is_told_of_their_own_words(floor: Floor) -> None:
    stop = floor.stop()
    say(floor.mia, stop, "Seal drips.")
    assert of_remarks(stop) == []


def test_who_has_gone_home_is_not_told(floor: Floor, petra: Person) -> None:
    stop = floor.stop()
    say(petra, stop, "How long?")
    later(hours=6)
    say(floor.sven, stop, "Until tomorrow.")
    assert [who for who, _state in of_remarks(stop)] == ["mia", "mia"]


def test_a_lively_talk_pages_once_in_a_while_and_keeps_no_call_from_anybody(floor: Floor, petra: Person) -> None:
    rules_of(floor.world.site)
    SiteRules.objects.update(pages_per_person=2)
    stop = floor.stop()
    for n in range(5):
        say(petra, stop, f"{n}")
    assert of_remarks(stop) == [("mia", "queued")] + [("mia", "listed")] * 4
    floor.stop("T35")
    last = Notification.objects.filter(person=floor.mia, occasion="raised").order_by("pk").last()
    assert last is not None
    assert last.state == "queued", "what is written does not count among the pages"


def test_a_stranger_writes_nothing_and_nobody_is_told(floor: Floor) -> None:
    stop = floor.stop()
    with pytest.raises(CommandRefused) as refused:
        say(floor.world.otto, stop, "hello")
    assert refused.value.code == "not_allowed"
    assert of_remarks(stop) == []
