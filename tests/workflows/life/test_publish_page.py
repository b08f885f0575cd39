"""The page "Publish", as a browser sends it: plan, review, approval, what is running, and the way back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.plant.models import Site
from apps.workflows.commands import submit_for_review
from apps.workflows.models import EdgeStop, Policy, Rollout, Version
from tests.workflows.life.people import ACTIONS, Office, work
from tests.workflows.life.test_moving import at, renamed, safe, straight
from tests.workflows.test_admin import signed_in
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM, make_shop, move, refused, thing_workflow
from tests.world import make_calendar, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop(thing_workflow(safe("ready")))


@pytest.fixture
def desk():
    pia, author = signed_in("pia", *ACTIONS)
    paul, approver = signed_in("paul", *ACTIONS)
    return Office(pia, paul), author, approver


def page(version: Version) -> str:
    return reverse("admin:workflows_version_publish", args=[version.pk])


def html(client: Client, version: Version) -> str:
    answer = client.get(page(version))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def press(client: Client, version: Version, button: str, **fields: object) -> str:
    """What the page says after the button of the form was pressed, as the page has it."""
    shown = html(client, version)
    assert re.search(rf'<button[^>]*value="{button}"(?![^>]*disabled)', shown), f"no button {button}"
    command_id = re.search(r'name="command_id" value="([^"]+)"', shown)[1]
    data = {"_do": button, "command_id": command_id, **fields}
    return " ".join(client.post(page(version), data, follow=True).content.decode().split())


def draft_of(shop, office: Office, definition=None) -> Version:
    return office.draft(shop.version, definition)


def test_plan_review_and_publication_by_two_people(shop, desk):
    office, author, approver = desk
    ready, running = shop.thing("ready"), shop.thing("running")
    draft = draft_of(shop, office, thing_workflow(renamed("ready", "set_out")))
    press(author, draft, "plan", policy="plan")
    shown = html(author, draft)
    assert "Send for review: 6 things left" in shown
    lines = {f"line-{shop.version.pk}-{code}": f"move:{code}" for code in ("waiting", "paused", "held", "completed")}
    lines[f"line-{shop.version.pk}-ready"] = "move:set_out"
    lines[f"line-{shop.version.pk}-running"] = "stay"
    shown = press(author, draft, "plan", policy="plan", **lines)
    assert "1 stay" in shown
    assert "1 will move" in shown
    assert "all 2 end in a legal state" in shown
    press(author, draft, "submit")
    shown = html(author, draft)
    assert "Someone other than you must approve." in shown
    assert 'value="publish"' not in shown

    press(approver, draft, "publish", when="now", where="all", note="Set out is what we say.")
    work()
    assert at(ready) == (2, "set_out", "ready")
    assert at(running)[0] == 1
    shown = html(approver, draft)
    assert "1 item moved" in shown
    assert "Set out is what we say." in shown


def test_the_button_names_what_is_missing(shop, desk):
    office, author, _ = desk
    draft = draft_of(shop, office, thing_workflow(start={"roles": ["pilot"]}))
    shown = html(author, draft)
    assert re.search(r'value="submit" disabled>Send for review: 1 thing left', shown)
    assert "there is no role pilot." in shown


def test_items_that_a_rule_keeps_are_listed(shop, desk):
    office, author, _ = desk
    shop.thing("ready", name="locked")
    shop.thing("ready")
    draft = draft_of(shop, office)
    office.plan(draft, Policy.PLAN, *straight(shop.version, ready="running"))
    shown = html(author, draft)
    assert "1 can&#x27;t move and stays where it is." in shown or "1 can't move and stays where it is." in shown
    assert "This thing is locked." in shown


def test_decide_each_before_and_after(shop, desk):
    office, author, approver = desk
    first = shop.thing("running")
    draft = draft_of(shop, office)
    lines = {f"line-{shop.version.pk}-{code}": f"move:{code}" for code in ("waiting", "ready", "paused", "held")}
    lines |= {f"line-{shop.version.pk}-completed": "stay", f"line-{shop.version.pk}-running": "decide"}
    shown = press(author, draft, "plan", policy="plan", **lines)
    assert "1 to decide" in shown
    assert "1 items wait for a decision" in shown
    press(author, draft, "plan", policy="plan", **lines, **{f"item-{first.pk}": "move:running"})
    press(author, draft, "submit")
    press(approver, draft, "publish", when="now", note="Each as it stands.")
    work()
    assert at(first)[0] == 2
    late = Thing.objects.create(workflow_version=shop.version, site_id=shop.site_id)
    run_along(shop, late)
    assert "Decide" not in html(author, draft)
    press(approver, draft, "decide", item_id=late.pk, decision="move:running")
    assert at(late) == (2, "running", "running")


def run_along(shop, thing: Thing) -> None:
    for who, edge in ((SYSTEM, "make_ready"), (shop.olga, "start")):
        move(who, thing, edge)


def test_at_the_next_shift_of_a_site(shop, desk):
    office, author, approver = desk
    site = Site.objects.get(pk=shop.site_id)
    make_calendar(site)
    draft = draft_of(shop, office)
    press(author, draft, "submit")
    assert "at the next shift of Plant S1" in html(approver, draft)
    press(approver, draft, "publish", when=f"shift-{site.pk}", note="With the new shift.")
    draft.refresh_from_db()
    local = draft.effective_from.astimezone(site.zone)
    assert (local.hour, local.minute) in {(6, 0), (14, 0), (22, 0)}
    assert timedelta() < draft.effective_from - clock.now() <= timedelta(hours=8)
    assert "Takes effect by itself" in html(approver, draft)
    assert Rollout.objects.get(version=draft).took_effect_at is None


def test_roll_back_from_the_page(shop, desk):
    office, author, _approver = desk
    bad = office.next(
        shop.version, Policy.SAFE, definition=thing_workflow(safe("ready"), start={"roles": ["line_lead"]})
    )
    thing = shop.thing("ready")
    work()
    assert refused(shop.olga, thing, "start").code == "wrong_role"
    shown = press(author, bad, "roll_back", back_to=shop.version.pk, reason="Nobody can start.", move_back="1")
    assert "Version 3, published" in shown
    work()
    assert at(move(shop.olga, thing, "start")) == (3, "running", "running")


def test_stop_and_resume_a_step(shop, desk):
    _, author, _ = desk
    thing = shop.thing("ready")
    shown = press(author, shop.version, "stop", edge="start", reason="Fixture 4 is cracked.")
    stop = EdgeStop.objects.get()
    assert "Fixture 4 is cracked." in shown
    assert ", Pia:" in shown
    assert refused(shop.olga, thing, "start").code == "edge_stopped"
    press(author, shop.version, "resume", stop_id=stop.pk)
    assert move(shop.olga, thing, "start").state == "running"


def test_who_only_reads_sees_no_button(shop, desk):
    office, _, approver = desk
    draft = draft_of(shop, office)
    _, reader = signed_in("vera", "workflows.view")
    for version in (shop.version, draft):
        assert 'name="_do"' not in html(reader, version)
    run(submit_for_review, office.pia, version_id=draft.pk)
    assert 'name="_do"' not in html(reader, draft)
    answer = reader.post(page(draft), {"_do": "publish", "command_id": "x"}, follow=True)
    assert "Reload the page" in answer.content.decode()
    form = {"_do": "publish", "command_id": "3f2b7c1e-0000-4000-8000-000000000001", "note": "x"}
    assert "You may not publish workflows here" in reader.post(page(draft), form, follow=True).content.decode()
    assert approver.post(page(draft), {"_do": "fly"}).status_code == 403
