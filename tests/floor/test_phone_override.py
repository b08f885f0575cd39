"""An exception whose answer is broken: whoever may pass over that gives it by name, with a reason, signed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.test import Client

from apps.andon.models import FloorException, Remark
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor.overriding import override_offered
from apps.plant.models import Person
from apps.workflows.definition import Definition
from apps.workflows.models import SignedStep, Version
from apps.workflows.rows import to_definition
from tests.andon.floor import Floor, fresh, make_floor
from tests.floor.test_phone import phone
from tests.workflows.workshop import published
from tests.world import PASSWORD, ledger

pytestmark = pytest.mark.django_db

# Of the type “downtime”, whose name has so many letters.
EXPRESSION, SENTENCE = "1 / (size(type) - 8) > -5", {"en": "No.", "de": "Nein."}
WHY = {"why": "The line stands.", "password": PASSWORD}


@pytest.fixture
def floor() -> Floor:
    """Every answer of the exception workflow asks for something that can't be reckoned."""
    floor = make_floor()
    content = to_definition(Version.objects.get(workflow__code="exception")).model_dump(mode="json")
    for edge in content["edges"]:
        if edge["roles"] != ["system"]:
            edge.update(expression=EXPRESSION, expression_sentence=SENTENCE)
    published(Definition.model_validate(content))
    floor.sven.set_password(PASSWORD)
    floor.sven.save()
    return floor


def post(client: Client, exception: FloorException, to: str, **fields: Any) -> tuple[int, str]:
    answer = client.post(f"/phone/{exception.pk}/{to}/", {"command_id": str(uuid4()), **fields})
    return answer.status_code, answer.content.decode()


def refused(who: Person, exception: FloorException, act: str, **fields: Any) -> str:
    status, body = post(phone(who), exception, act, **fields)
    assert status == 409
    return body


def test_a_broken_answer_names_who_mends_it_and_who_may_pass_over_it(floor: Floor) -> None:
    stop = floor.stop()
    body = refused(floor.mia, stop, "take")
    assert "can&#x27;t be checked" in body
    assert "It can be overridden, with a reason, by: " in body
    assert "Shift supervisor" in body
    assert 'id="override-sheet"' not in body, "she may not herself"
    assert fresh(stop).status == "open"


def test_it_is_overridden_by_name_with_password_and_a_reason(floor: Floor) -> None:
    stop = floor.stop()
    body = refused(floor.sven, stop, "going", minutes="10")
    assert 'id="override-sheet"' in body
    assert 'name="minutes" value="10"' in body
    client = phone(floor.sven)
    given = {"edge": "acknowledge", "act": "going", "minutes": "10"}
    status, body = post(client, stop, "override", **given, why=" ", password=PASSWORD)
    assert (status, "Say why it is to go on" in body) == (409, True)
    status, body = post(client, stop, "override", **given, why="The line stands.", password="wrong")
    assert (status, 'id="override-sheet"' in body) == (409, True), "what was to be sent stays"
    status, body = post(client, stop, "override", **given, **WHY)
    assert (status, "I am at it" in body) == (200, True)
    now = fresh(stop)
    assert (now.status, now.owner_id) == ("acknowledged", floor.sven.pk)
    assert now.arrives_at is not None
    assert 9 < (now.arrives_at - clock.now()).total_seconds() / 60 <= 10
    (event,) = ledger("workflows.edge_overridden")
    assert event.actor_id == floor.sven.pk
    assert SignedStep.objects.get().override_reason == "The line stands."
    (told,) = ledger("andon.on_the_way")
    assert told.data["owner_id"] == floor.sven.pk
    assert post(client, stop, "override", edge="acknowledge", act="going", minutes="241", **WHY)[0] == 409


def test_going_now_is_no_way_too_long(floor: Floor) -> None:
    stop = floor.stop()
    given = {"edge": "acknowledge", "act": "going", "minutes": "0"}
    assert post(phone(floor.sven), stop, "override", **given, **WHY)[0] == 200
    assert fresh(stop).status == "acknowledged"


def test_what_the_answer_asks_for_goes_along(floor: Floor) -> None:
    stop, client = floor.stop(), phone(floor.sven)
    post(client, stop, "override", edge="acknowledge", act="take", **WHY)
    asked = {"resolution": "repaired", "cause": "wear", "note": "New seal"}
    body = refused(floor.sven, stop, "resolve", **asked)
    assert 'name="resolution" value="repaired"' in body
    status, body = post(client, stop, "override", edge="resolve", act="resolve", **asked, **WHY)
    assert status == 200, body
    now = fresh(stop)
    assert now.resolution is not None
    assert (now.status, now.resolution.code) == ("resolved", "repaired")
    assert Remark.objects.get().text == "New seal"


def test_a_snooze_is_overridden_within_its_bounds(floor: Floor) -> None:
    stop, client = floor.stop(), phone(floor.sven)
    given = {"edge": "snooze", "act": "put-off", "reason": "waits_for_part", **WHY}
    reason = refused(floor.sven, stop, "put-off", minutes="30", reason="waits_for_part")
    assert 'name="minutes" value="30"' in reason
    assert post(client, stop, "override", minutes="100000", **given)[0] == 409
    assert post(client, stop, "override", minutes="30", **given)[0] == 200
    assert fresh(stop).status == "snoozed"


def test_it_is_offered_for_steps_of_the_exception_alone(floor: Floor) -> None:
    """What else an answer may set in motion is broken elsewhere, and overridden there."""
    stop = floor.stop()
    actor = Actor(person_id=floor.sven.pk)
    other = CommandRefused("guard_error", "Broken.", "", {"edge": "cancel", "item": "job_order:1"})
    own = CommandRefused("guard_error", "Broken.", "", {"edge": "acknowledge", "item": f"exception:{stop.pk}"})
    assert override_offered(stop, actor, other, "cure", QueryDict()) is None
    assert override_offered(stop, actor, own, "give", QueryDict()) is None
    assert override_offered(stop, actor, own, "take", QueryDict()) is not None


def test_what_only_commands_say_can_not_be_smuggled_in(floor: Floor) -> None:
    """Whose it is, and since when its cause is gone."""
    stop, client = floor.stop(), phone(floor.sven)
    sent = {"owner_id": str(floor.mia.pk), "cause_ended_at": "2020-01-01T00:00:00Z"}
    assert post(client, stop, "override", edge="acknowledge", act="take", **sent, **WHY)[0] == 200
    assert (fresh(stop).owner_id, fresh(stop).cause_ended_at) == (floor.sven.pk, None)


def test_who_may_not_override_can_not_send_it_either(floor: Floor) -> None:
    floor.mia.set_password(PASSWORD)
    floor.mia.save()
    stop = floor.stop()
    status, body = post(phone(floor.mia), stop, "override", edge="acknowledge", act="take", **WHY)
    assert (status, "You may not" in body) == (409, True)
    assert fresh(stop).status == "open"


def test_what_is_not_broken_is_not_overridden() -> None:
    floor = make_floor()
    floor.sven.set_password(PASSWORD)
    floor.sven.save()
    stop = floor.stop()
    status, body = post(phone(floor.sven), stop, "override", edge="acknowledge", act="take", **WHY)
    assert (status, "is broken: take it as usual" in body) == (409, True)
