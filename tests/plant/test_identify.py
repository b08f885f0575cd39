"""Who speaks through a browser: nobody, a terminal, a person at a terminal, a person at a desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.plant import sessions
from apps.plant.access import floor_actions
from apps.plant.middleware import DeskUserMiddleware
from apps.plant.models import Person, Terminal
from tests.world import PIN, make_person, make_site, make_terminal, terminal_cookie

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture
def terminal() -> Terminal:
    return make_terminal(make_site())


@pytest.fixture
def olga() -> Person:
    return make_person("olga", badge="4711", pin=PIN)


@pytest.fixture(autouse=True)
def _still_time() -> None:
    clock.move_to(MONDAY, rate=0)


def a_request() -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore()
    request.user = AnonymousUser()
    return request


def signed_in_by_pin(person: Person, terminal: Terminal) -> SessionStore:
    request = a_request()
    sessions.open_floor_session(request, person_id=person.pk, terminal_id=terminal.pk)
    return request.session


def signed_in_at_desk(person: Person) -> SessionStore:
    request = a_request()
    sessions.login(request, person, backend=sessions.BACKEND)
    return request.session


def test_an_unknown_browser_is_nobody() -> None:
    assert rights.identify(SessionStore(), {}) is None


@pytest.mark.parametrize("cookie", ["", "1", "1.", ".x", "x.y", "-1.x", "²." + "x", "9" * 30 + ".x", "1.wrong"])
def test_a_cookie_that_proves_nothing_is_nobody(terminal: Terminal, cookie: str) -> None:
    assert rights.identify(SessionStore(), {"mfgos_terminal": cookie}) is None


def test_a_terminal_is_known_by_its_secret(terminal: Terminal) -> None:
    assert rights.identify(SessionStore(), terminal_cookie(terminal)) == Actor(terminal_id=terminal.pk)
    assert rights.identify(SessionStore(), terminal_cookie(terminal, "wrong")) is None


def test_a_revoked_terminal_is_nobody(terminal: Terminal, olga: Person) -> None:
    session = signed_in_by_pin(olga, terminal)
    Terminal.objects.update(revoked_at=MONDAY)
    assert rights.identify(session, terminal_cookie(terminal)) is None


def test_a_pin_gives_the_rights_of_the_floor_only(terminal: Terminal, olga: Person) -> None:
    actor = rights.identify(signed_in_by_pin(olga, terminal), terminal_cookie(terminal))
    assert actor == Actor(person_id=olga.pk, terminal_id=terminal.pk, restricted_to=floor_actions())
    assert "plant.view_plant" in floor_actions()
    assert not {"plant.manage_plant", "plant.manage_roles", "core.view_ledger"} & floor_actions()


def test_a_pin_session_is_worth_nothing_without_its_terminal(terminal: Terminal, olga: Person) -> None:
    session = signed_in_by_pin(olga, terminal)
    other = make_terminal(terminal.site)
    assert rights.identify(session, {}) is None
    assert rights.identify(session, terminal_cookie(other)) == Actor(terminal_id=other.pk)


def test_it_locks_itself_when_nothing_is_done(terminal: Terminal, olga: Person) -> None:
    session = signed_in_by_pin(olga, terminal)
    clock.move_to(MONDAY + timedelta(seconds=300), rate=0)
    assert identified(session, terminal).person_id == olga.pk
    clock.move_to(MONDAY + timedelta(seconds=301), rate=0)
    assert identified(session, terminal) == Actor(terminal_id=terminal.pk)


def test_each_act_puts_the_lock_off(terminal: Terminal, olga: Person) -> None:
    session = signed_in_by_pin(olga, terminal)
    clock.move_to(MONDAY + timedelta(seconds=299), rate=0)
    sessions.note_act(session)
    clock.move_to(MONDAY + timedelta(seconds=500), rate=0)
    assert identified(session, terminal).person_id == olga.pk


def test_locking_leaves_the_terminal(terminal: Terminal, olga: Person) -> None:
    request = a_request()
    sessions.open_floor_session(request, person_id=olga.pk, terminal_id=terminal.pk)
    sessions.lock(request)
    assert identified(request.session, terminal) == Actor(terminal_id=terminal.pk)


def test_the_next_person_gets_a_fresh_session(terminal: Terminal, olga: Person) -> None:
    request = a_request()
    sessions.open_floor_session(request, person_id=olga.pk, terminal_id=terminal.pk)
    request.session["typed"] = "by Olga"
    first_key = request.session.session_key
    lena = make_person("lena")
    sessions.open_floor_session(request, person_id=lena.pk, terminal_id=terminal.pk)
    assert "typed" not in request.session
    assert request.session.session_key != first_key
    assert identified(request.session, terminal).person_id == lena.pk


def test_a_person_at_a_desk_is_not_restricted(olga: Person) -> None:
    assert rights.identify(signed_in_at_desk(olga), {}) == Actor(person_id=olga.pk)


def test_a_deactivated_person_is_nobody_at_the_next_request(olga: Person, terminal: Terminal) -> None:
    at_desk, at_terminal = signed_in_at_desk(olga), signed_in_by_pin(olga, terminal)
    Person.objects.get_queryset().update(is_active=False)
    assert rights.identify(at_desk, {}) is None
    assert identified(at_terminal, terminal) == Actor(terminal_id=terminal.pk)


@pytest.mark.parametrize("secret", ["pin", "password"])
def test_a_new_pin_or_password_ends_the_sessions(olga: Person, secret: str) -> None:
    session = signed_in_at_desk(olga)
    if secret == "pin":
        olga.set_pin("314159")
    else:
        olga.set_password("another fine password")
    olga.save()
    assert rights.identify(session, {}) is None


def test_two_queries_tell_who_it_is(terminal: Terminal, olga: Person, django_assert_num_queries: Any) -> None:
    session = signed_in_by_pin(olga, terminal)
    clock.now()  # the shared clock of tests asks the database now and then; the machine's never does
    with django_assert_num_queries(2):
        identified(session, terminal)


@pytest.mark.parametrize("by_pin", [True, False])
def test_the_desk_knows_no_user_who_came_with_a_pin(terminal: Terminal, olga: Person, by_pin: bool) -> None:
    request = a_request()
    request.session = signed_in_by_pin(olga, terminal) if by_pin else signed_in_at_desk(olga)
    request.user = olga
    DeskUserMiddleware(lambda _request: HttpResponse())(request)
    assert request.user.is_authenticated is not by_pin


def identified(session: SessionStore, terminal: Terminal) -> Actor:
    actor = rights.identify(session, terminal_cookie(terminal))
    assert actor is not None
    return actor
