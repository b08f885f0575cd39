"""An engineer changes who is told when, on pages; somebody else publishes it, and open exceptions keep theirs."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.andon.models import EscalationPolicy, PolicyVersion
from tests.andon.floor import Floor, fresh, later, make_floor, told
from tests.world import give_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def engineer(person) -> Client:
    """Of all sites: policies hold everywhere."""
    give_role(person, "process_engineer")
    return at_desk(person)


def at_desk(person) -> Client:
    person.is_staff = True
    person.save()
    client = Client()
    client.force_login(person)
    return client


def draft_of(code: str, client: Client) -> PolicyVersion:
    policy = EscalationPolicy.objects.get(code=code)
    client.post("/admin/andon/escalationpolicy/", {"action": "draft", "_selected_action": [policy.pk]})
    return PolicyVersion.objects.get(policy=policy, status="draft")


def publish(version: PolicyVersion, client: Client, reason: str = "Faster."):
    return act("publish", version, client, reason)


def act(name: str, version: PolicyVersion, client: Client, reason: str = ""):
    data = {"action": name, "_selected_action": [version.pk], "reason": reason}
    return client.post("/admin/andon/policyversion/", data, follow=True)


def change(draft: PolicyVersion, client: Client, rows: dict[str, object], **values: object):
    """Sends the page of the draft back with these changes; those of its steps by "1-after_minutes"."""
    page = client.get(f"/admin/andon/policyversion/{draft.pk}/change/")
    form = page.context["adminform"].form
    formset = page.context["inline_admin_formsets"][0].formset
    data = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    data |= {f"{formset.prefix}-{key}": value for key, value in formset.management_form.initial.items()}
    for row in formset.forms:
        data |= {row.add_prefix(name): "" if row[name].value() is None else row[name].value() for name in row.fields}
    data |= {f"{formset.prefix}-{name}": value for name, value in rows.items()} | {"informs": ""} | values
    return client.post(f"/admin/andon/policyversion/{draft.pk}/change/", data)


def test_a_draft_is_a_copy_that_is_changed_on_its_page(floor: Floor) -> None:
    client = engineer(floor.world.pia)
    draft = draft_of("down", client)
    assert draft.steps.count() == 4
    answer = change(draft, client, {"1-after_minutes": 2}, response_minutes=4)
    assert answer.status_code == 302, answer.context["errors"]
    draft.refresh_from_db()
    assert draft.response_minutes == 4
    assert draft.steps.order_by("position")[1].after_minutes == 2


@pytest.mark.django_db(transaction=True)
def test_steps_change_places_and_two_at_one_place_are_said(floor: Floor) -> None:
    client = engineer(floor.world.pia)
    draft = draft_of("down", client)
    before = list(draft.steps.order_by("position").values_list("role__code", "position"))
    minutes = {"2-after_minutes": 30, "3-after_minutes": 15}
    swapped = change(draft, client, {"2-position": before[3][1], "3-position": before[2][1]} | minutes)
    assert swapped.status_code == 302, swapped.context["errors"]
    assert [role for role, _ in before[:2]] + [before[3][0], before[2][0]] == list(
        draft.steps.order_by("position").values_list("role__code", flat=True)
    )
    twice = change(draft, client, {"2-position": before[3][1]})
    assert twice.status_code == 200
    assert "duplicate" in str(twice.context["errors"])


def test_the_author_does_not_publish_and_somebody_else_does(floor: Floor) -> None:
    before = floor.stop("before", type_code="help")
    author = engineer(floor.world.pia)
    draft = draft_of("help", author)
    change(draft, author, {"0-after_minutes": 1})
    act("submit", draft, author)
    assert "Who has written it" in publish(draft, author).content.decode()
    other = floor.member("erik", "process_engineer")
    assert "what changes and why" in publish(draft, engineer(other), "").content.decode()
    publish(draft, at_desk(other))
    draft.refresh_from_db()
    assert draft.status == "published"
    after = floor.stop("after", type_code="help")
    later(minutes=1)
    assert ("sven", "step") in told(after)
    assert ("sven", "step") not in told(before), "it keeps what it was raised with"
    assert fresh(before).policy_version_id != after.policy_version_id


def test_a_published_version_never_changes_from_sql_either(floor: Floor) -> None:
    version = PolicyVersion.objects.in_force().first()
    for statement in (
        "UPDATE andon_policyversion SET response_minutes = 99 WHERE id = %s",
        "UPDATE andon_policystep SET after_minutes = 99 WHERE version_id = %s",
        "DELETE FROM andon_policystep WHERE version_id = %s",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [version.pk])


def test_who_may_not_set_up_escalation_does_not_see_it(floor: Floor) -> None:
    give_role(floor.world.olga, "operator", floor.world.site)
    assert at_desk(floor.world.olga).get("/admin/andon/policyversion/").status_code == 403


def test_the_list_shows_the_button_that_runs_an_action_beside_its_reason(floor: Floor) -> None:
    """The button waits for the choice, which has to say so to it."""
    page = engineer(floor.world.pia).get("/admin/andon/policyversion/").content.decode()
    form = page[page.index('id="changelist-actions"') :]
    assert form.index('x-model="action"') < form.index('name="reason"') < form.index('x-show="action"')
