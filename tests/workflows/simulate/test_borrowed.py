"""A workflow that is new is tried on what other workflows did: on the items that it would have been for."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.orders.commands import take_edge
from apps.workflows.commands import import_draft
from apps.workflows.definition import Definition
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.simulate.borrowed import past_of
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.replay import replay
from apps.workflows.simulate.result import Result
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop
from tests.workflows.simulate.past import later
from tests.workflows.simulate.test_page import tried
from tests.world import PASSWORD, give_role, make_person, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    """One operation of ACME and one of Bolt have been started."""
    clock.move_to(clock.now(), rate=0)
    shop = make_shop()
    for number, customer in (("WO-A", "ACME"), ("WO-B", "Bolt")):
        job = make_job(shop.world.line, shop.world.station, number=number, customer=customer)
        later()
        run(take_edge, shop.world.olga, job_order_id=job.pk, edge="start", inputs={})
        later()
        run(take_edge, shop.world.olga, job_order_id=job.pk, edge="hold", inputs={"reason": "hold_quality"})
    later()
    return shop


def new_workflow(*applies_to: dict[str, str]) -> Version:
    """As the job order in force, but that nobody starts without being the inspector."""
    content = to_definition(Version.objects.get(workflow__code="job_order")).model_dump(mode="json")
    start = next(edge for edge in content["edges"] if edge["code"] == "start")
    start["roles"] = ["inspector"]
    content |= {"code": "inspected", "name": "Inspected", "applies_to": list(applies_to)}
    return Version.objects.get(pk=run(import_draft, SYSTEM, definition=Definition.model_validate(content)))


def laid_over(version: Version) -> Result:
    definition = to_definition(version)
    past = past_of(version, definition)
    week = Span(days=7)
    return replay(KINDS["job_order"], definition, past.befores, past.beside, week, is_borrowed=past.is_borrowed)


def test_it_is_tried_on_the_items_that_it_would_have_been_for(shop):
    result = laid_over(new_workflow({"customer": "ACME"}))
    assert (result.is_borrowed, result.is_meant) == (True, True)
    assert result.draft.items == 1
    assert [(stop.edge, stop.reason.value, stop.moves) for stop in result.draft.stops] == [("start", "role", 1)]
    [item] = result.items
    assert item.name.startswith("WO-A")
    assert not item.also_before
    assert (result.before_number, result.before_name) == (1, "Job order")
    assert result.before is not None
    assert result.before.stopped == 0


def test_for_all_it_is_tried_on_all(shop):
    result = laid_over(new_workflow())
    assert (result.is_meant, result.draft.items_stopped) == (True, 2)


def test_where_it_would_have_been_for_none_as_of_a_new_customer_it_is_tried_on_all(shop):
    result = laid_over(new_workflow({"customer": "Newcomer"}))
    assert (result.is_borrowed, result.is_meant, result.draft.items_stopped) == (True, False, 2)


def test_places_count_all_that_is_named(shop):
    assert (
        laid_over(new_workflow({"customer": "ACME", "line": "L9"}, {"customer": "Bolt", "line": "L3"})).draft.items == 1
    )


def test_a_workflow_with_a_past_of_its_own_is_tried_on_that(shop):
    version = Version.objects.get(workflow__code="job_order")
    past = past_of(version, to_definition(version))
    assert (past.is_borrowed, set(past.befores)) == (False, {version.pk})


def test_the_page_says_on_what_it_was_tried(shop):
    petra = make_person("petra", password=PASSWORD, is_staff=True)
    give_role(petra, "process_engineer")
    client = Client()
    client.force_login(petra)
    shown = tried(client, new_workflow({"customer": "ACME"}))
    assert "It was tried on the items of others that it would have been for." in shown
    assert re.search("Replay: 1 of 1 would have been stopped", shown)
    assert "Compared with what version 1 of “Job order” does with the same moves" in shown
    again = new_workflow({"customer": "Newcomer"})
    assert "would have been for none of the items" in tried(client, again)
    assert client.get(reverse("admin:workflows_version_simulate", args=[again.pk]), {"csv": ""}).status_code == 200
