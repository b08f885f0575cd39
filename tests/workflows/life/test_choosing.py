"""Which workflow a new item starts on: the one that names it most closely, in force at that time on that line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.plant.models import Site
from apps.workflows.check import check
from apps.workflows.commands import import_draft, publish, retire, save_draft, submit_for_review
from apps.workflows.life.choosing import Chooser, Facts, version_for
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from tests.workflows.life.people import code_of, make_office
from tests.workflows.test_admin import signed_in
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import make_shop, published, thing_workflow
from tests.world import make_area, make_line, make_site, run

pytestmark = pytest.mark.django_db

ACME = Facts(site="S1", line="L3", item="ES-65", customer="ACME", work_center_id=3)


@pytest.fixture
def shop():
    made = make_shop()
    make_line(make_area(Site.objects.get(code="S1")), "L3")
    make_site("S2")
    return made


def workflow(code: str, *applies_to: dict[str, str]):
    return thing_workflow(lambda content: content.update(code=code, name=code.title(), applies_to=list(applies_to)))


def of(facts: Facts) -> str:
    return version_for("thing", facts, clock.now()).workflow.code


def test_the_default_takes_what_nobody_names(shop):
    assert version_for("thing", ACME, clock.now()) == shop.version
    assert version_for("thing", Facts(), clock.now()) == shop.version


def test_customer_before_item_before_line_before_site(shop):
    for code, where in (
        ("at_site", {"site": "S1"}),
        ("on_line", {"line": "L3"}),
        ("of_item", {"item": "ES-65"}),
        ("for_acme", {"customer": "ACME"}),
        ("for_acme_on_l3", {"customer": "ACME", "line": "L3"}),
    ):
        published(workflow(code, where))
        assert of(ACME) == code
    assert of(ACME._replace(line="L4")) == "for_acme"
    assert of(ACME._replace(customer="")) == "of_item"
    assert of(ACME._replace(customer="", item="")) == "on_line"
    assert of(Facts(site="S1")) == "at_site"
    assert of(Facts(site="S2")) == "thing"


def test_any_of_several(shop):
    published(workflow("for_two", {"customer": "ACME"}, {"customer": "Bolt", "site": "S2"}))
    assert of(Facts(customer="ACME")) == of(Facts(customer="Bolt", site="S2")) == "for_two"
    assert of(Facts(customer="Bolt", site="S1")) == "thing"


def test_two_workflows_for_the_same_are_refused_with_the_others_name(shop):
    published(workflow("for_acme", {"customer": "ACME"}))
    with pytest.raises(CommandRefused, match=r"“For_Acme” is for the same new items: customer ACME\."):
        published(workflow("also_acme", {"customer": "Bolt"}, {"customer": "ACME"}))
    with pytest.raises(CommandRefused, match="“Things” is for all new items that no other workflow names"):
        published(workflow("second_default"))
    assert Version.objects.filter(status="published").count() == 2


def test_a_draft_for_the_same_items_says_so_before_anybody_publishes_it(shop):
    published(workflow("for_acme", {"customer": "ACME"}))
    pia, client = signed_in("petra", "workflows.view", "workflows.edit", "workflows.publish")
    draft = run(import_draft, pia, definition=workflow("also_acme", {"customer": "Bolt"}, {"customer": "ACME"}))
    said = "“For_Acme” is for the same new items: customer ACME."
    (problem,) = [one for one in check(to_definition(Version.objects.get(pk=draft)), THING) if one.is_error]
    assert (problem.code, problem.where, problem.field, problem.sentence) == ("claimed", "workflow", "applies_to", said)
    for page in ("check", "edit", "publish"):
        shown = client.get(f"/admin/workflows/version/{draft}/{page}/").content.decode()
        assert said in shown, page
    assert (
        "No other workflow is for the same"
        not in client.get(f"/admin/workflows/version/{draft}/check/").content.decode()
    )
    run(save_draft, pia, version_id=draft, definition=workflow("also_acme", {"customer": "Bolt"}))
    shown = client.get(f"/admin/workflows/version/{draft}/check/").content.decode()
    assert said not in shown
    assert "No other workflow is for the same" in shown


def test_a_second_default_and_the_loss_of_the_only_one_are_said_by_the_check(shop):
    (second,) = [one for one in check(workflow("second"), THING) if one.is_error]
    assert second.sentence.startswith("“Things” is for all new items that no other workflow names.")
    (lost,) = [one for one in check(workflow("thing", {"site": "S1"}), THING) if one.is_error]
    assert lost.sentence.startswith("New items that it does not name would find no workflow")
    assert not [one for one in check(workflow("thing"), THING) if one.is_error]


def test_a_claim_from_tomorrow_counts_today(shop):
    office = make_office()
    tomorrow = office.draft(published(workflow("for_acme", {"customer": "ACME"})), workflow("for_acme", {"item": "X"}))
    office.publish(tomorrow, effective_from=clock.now() + timedelta(days=1))
    for where in ({"customer": "ACME"}, {"item": "X"}):
        with pytest.raises(CommandRefused, match="For_Acme"):
            published(workflow("other", where))


def test_the_default_does_not_become_one_for_few(shop):
    office = make_office()
    draft = office.draft(shop.version, workflow("thing", {"site": "S1"}))
    with pytest.raises(CommandRefused, match="would find no workflow"):
        run(submit_for_review, office.pia, version_id=draft.pk)


def test_nothing_in_force_is_said(shop):
    with pytest.raises(CommandRefused, match="No workflow is in force for this thing"):
        version_for("thing", ACME, clock.now() - timedelta(days=1))


def test_a_workflow_for_few_can_be_retired_and_the_default_takes_over(shop):
    office = make_office()
    few = published(workflow("for_acme", {"customer": "ACME"}))
    assert code_of(retire, office.paul, version_id=shop.version.pk) == "only_one"
    run(retire, office.paul, version_id=few.pk)
    assert of(ACME) == "thing"


def test_one_query_for_any_number_of_items_and_versions(shop):
    office = make_office()
    version = shop.version
    for _ in range(5):
        draft = office.draft(version)
        run(submit_for_review, office.pia, version_id=draft.pk)
        run(publish, office.paul, version_id=draft.pk, note="Again.")
        version = draft
    with CaptureQueriesContext(
        connection,
    ) as queries:
        chooser = Chooser("thing", clock.now())
        found = {chooser.version_for(ACME._replace(customer=str(n))).number for n in range(50)}
    assert found == {6}
    assert len(queries) <= 2  # and, with the tests' clock, the time
