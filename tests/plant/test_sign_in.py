"""Badge and PIN at a terminal: who is let in, how guessing is slowed down, and what the history keeps of it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from pydantic import SecretStr

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.plant.commands import SignIn, revoke_terminal, sign_in_at_desk, sign_in_with_badge
from apps.plant.models import Person, SignInThrottle, Terminal
from tests.world import PASSWORD, PIN, ledger, make_holder, make_person, make_site, make_terminal, run

pytestmark = pytest.mark.django_db
WRONG = "604917"
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture
def terminal() -> Terminal:
    return make_terminal(make_site())


@pytest.fixture
def olga() -> Person:
    return make_person("olga", badge="4711", pin=PIN)


@pytest.fixture
def still_time() -> None:
    clock.move_to(MONDAY, rate=0)


def attempt(terminal: Terminal, pin: str = PIN, badge: str = "4711") -> SignIn:
    return sign_in_with_badge(
        Actor(terminal_id=terminal.pk), uuid4(), terminal_id=terminal.pk, badge=SecretStr(badge), pin=SecretStr(pin)
    )


def test_badge_and_pin_tell_who_it_is(terminal: Terminal, olga: Person) -> None:
    assert attempt(terminal) == SignIn(person_id=olga.pk)
    event = ledger("plant.signed_in")[0]
    assert (event.subject_id, event.terminal_id, event.data) == (str(olga.pk), terminal.pk, {"by": "badge"})


def test_unknown_badge_and_wrong_pin_get_the_same_sentence(terminal: Terminal, olga: Person) -> None:
    wrong_pin, unknown = attempt(terminal, WRONG), attempt(terminal, badge="nobody")
    assert wrong_pin.person_id is None
    assert wrong_pin == unknown


def test_a_deactivated_person_is_unknown(terminal: Terminal, olga: Person) -> None:
    Person.objects.get_queryset().update(is_active=False)
    assert attempt(terminal).person_id is None


def test_a_person_without_pin_can_not_sign_in(terminal: Terminal) -> None:
    make_person("ivan", badge="4712")
    assert attempt(terminal, "", "4712").person_id is None


def test_wrong_tries_are_in_the_ledger_without_badge_and_pin(terminal: Terminal, olga: Person) -> None:
    attempt(terminal, WRONG)
    (event,) = ledger(ATTEMPT_REFUSED)
    assert event.subject_id == "plant.sign_in_with_badge"
    assert event.data == {
        "code": "sign_in_wrong",
        "inputs": {"terminal_id": terminal.pk},
        "facts": {"person_id": olga.pk},
    }
    whole_ledger = json.dumps(list(LedgerEvent.objects.values_list("data", "subject_id", "thread")))
    assert "4711" not in whole_ledger
    assert WRONG not in whole_ledger


@pytest.mark.usefixtures("still_time")
def test_five_wrong_tries_close_for_30_seconds_even_to_the_right_pin(terminal: Terminal, olga: Person) -> None:
    answers = [attempt(terminal, WRONG) for _ in range(5)]
    assert [answer.wait_seconds for answer in answers] == [0, 0, 0, 0, 30]
    closed = attempt(terminal)
    assert (closed.person_id, closed.wait_seconds) == (None, 30)
    clock.move_to(MONDAY + timedelta(seconds=29), rate=0)
    assert attempt(terminal).wait_seconds == 1
    clock.move_to(MONDAY + timedelta(seconds=30), rate=0)
    assert attempt(terminal).person_id == olga.pk


@pytest.mark.usefixtures("still_time")
def test_each_further_wrong_try_doubles_the_wait_up_to_a_quarter_of_an_hour(terminal: Terminal, olga: Person) -> None:
    now, waits = MONDAY, []
    for _ in range(12):
        answer = attempt(terminal, WRONG)
        waits.append(answer.wait_seconds)
        now += timedelta(seconds=answer.wait_seconds)
        clock.move_to(now, rate=0)
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


@pytest.mark.usefixtures("still_time")
def test_a_try_while_closed_does_not_prolong_the_wait(terminal: Terminal, olga: Person) -> None:
    for _ in range(5):
        attempt(terminal, WRONG)
    assert [attempt(terminal, WRONG).wait_seconds for _ in range(3)] == [30, 30, 30]
    assert set(SignInThrottle.objects.values_list("failures", flat=True)) == {5}


@pytest.mark.usefixtures("still_time")
def test_guessing_one_person_at_many_terminals_is_slowed_down(olga: Person) -> None:
    site = make_site()
    for _ in range(5):
        attempt(make_terminal(site), WRONG)
    assert attempt(make_terminal(site)).wait_seconds == 30


@pytest.mark.usefixtures("still_time")
def test_guessing_many_people_at_one_terminal_is_slowed_down(terminal: Terminal, olga: Person) -> None:
    for number in range(5):
        attempt(terminal, WRONG, badge=f"unknown-{number}")
    assert attempt(terminal).wait_seconds == 30


@pytest.mark.usefixtures("still_time")
def test_an_unknown_badge_closes_as_a_known_one_does(olga: Person) -> None:
    site = make_site()
    for badge in ("4711", "nobody"):
        waits = [attempt(make_terminal(site), WRONG, badge).wait_seconds for _ in range(6)]
        assert waits == [0, 0, 0, 0, 30, 30]


def test_a_good_sign_in_forgets_the_wrong_tries(terminal: Terminal, olga: Person) -> None:
    for _ in range(4):
        attempt(terminal, WRONG)
    attempt(terminal)
    assert [attempt(terminal, WRONG).wait_seconds for _ in range(4)] == [0, 0, 0, 0]


@pytest.mark.usefixtures("still_time")
def test_twenty_wrong_tries_raise_an_alarm_once(terminal: Terminal, olga: Person) -> None:
    now = MONDAY
    for _ in range(21):
        now += timedelta(seconds=attempt(terminal, WRONG).wait_seconds)
        clock.move_to(now, rate=0)
    alarms = ledger("plant.sign_in_under_attack")
    assert [alarm.subject_id for alarm in alarms] == [f"person:{olga.pk}", f"terminal:{terminal.pk}"]


def test_a_revoked_terminal_signs_nobody_in(terminal: Terminal, olga: Person) -> None:
    run(revoke_terminal, Actor.system("tests"), terminal_id=terminal.pk)
    with pytest.raises(CommandRefused, match="not an enrolled terminal") as refusal:
        attempt(terminal)
    assert refusal.value.code == "terminal_not_enrolled"


def test_nobody_speaks_for_another_terminal(terminal: Terminal, olga: Person) -> None:
    other = make_terminal(Terminal.objects.get().site)
    with pytest.raises(CommandRefused):
        sign_in_with_badge(
            Actor(terminal_id=other.pk),
            uuid4(),
            terminal_id=terminal.pk,
            badge=SecretStr("4711"),
            pin=SecretStr(PIN),
        )


def test_the_refusal_names_who_can_enrol(terminal: Terminal) -> None:
    make_holder("plant.enrol_terminal")
    Terminal.objects.update(revoked_at=MONDAY)
    with pytest.raises(CommandRefused) as refusal:
        attempt(terminal)
    assert "role of" in refusal.value.owner


@pytest.mark.usefixtures("still_time")
def test_passwords_at_the_desk_are_slowed_down_in_the_same_way() -> None:
    pia = make_person("pia", password=PASSWORD)

    def at_desk(password: str) -> SignIn:
        return run(sign_in_at_desk, Actor.system("desk"), username="pia", password=SecretStr(password))

    assert at_desk(PASSWORD).person_id == pia.pk
    assert [at_desk("wrong").wait_seconds for _ in range(5)] == [0, 0, 0, 0, 30]
    assert at_desk(PASSWORD).person_id is None
    assert ledger(ATTEMPT_REFUSED)[0].data["inputs"] == {}


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted() -> None:
    clock.move_to(MONDAY, rate=0)
    make_person("olga", badge="4711", pin=PIN)
    site = make_site()
    terminals = [make_terminal(site) for _ in range(8)]
    answers: list[SignIn] = []

    def guess(terminal: Terminal) -> None:
        try:
            answers.append(attempt(terminal, WRONG))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=[terminal]) for terminal in terminals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.wait_seconds for answer in answers) == [0, 0, 0, 0, 30, 30, 30, 30]
    assert SignInThrottle.objects.get(key__startswith="person:").failures == 5
