"""What a kind says in code holds on every surface: whatever was typed, imported or written into the tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.models import Person
from apps.workflows.commands import create_draft, import_draft, publish, save_draft, submit_for_review
from apps.workflows.definition import Definition
from apps.workflows.models import Edge, State, Version
from apps.workflows.packages.commands import import_package
from apps.workflows.rows import to_definition
from tests.test_access import addresses
from tests.workflows.packages.test_packages import package_of
from tests.workflows.studio.sent import Desk
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import Shop, make_shop, refused, thing_workflow
from tests.world import make_holder, run

pytestmark = pytest.mark.django_db

EDITOR = ("workflows.view", "workflows.edit", "workflows.publish")


def _from_hold_to_running(content):
    """The kind lets what is held come back ready, paused or cancelled, never running."""
    content["edges"].append(
        {
            "code": "break_out",
            "labels": {"en": "Go", "de": "Los"},
            "sources": ["held"],
            "target": "running",
            "roles": ["operator"],
            "reason_required": True,
        }
    )


def _ends_running(content):
    content["states"][6].update(status="running")


def _begins_completed(content):
    content["states"][0].update(status="completed")


def _unknown_status(content):
    content["states"][2].update(status="flying")


def _held_as_normal(content):
    content["states"][4].update(kind="normal")


FORBIDDEN = [_from_hold_to_running, _ends_running, _begins_completed, _unknown_status, _held_as_normal]


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def pia() -> Person:
    return make_holder(*EDITOR, username="pia", is_staff=True)


# ---- each surface gives the id of a draft


def as_text(pia: Person, shop: Shop, definition: Definition) -> int:
    """Typed into the admin's page of a draft."""
    draft = Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk))
    client = Client()
    client.force_login(pia)
    page = reverse("admin:workflows_version_change", args=[draft.pk])
    answer = client.post(page, {"definition": definition.to_json(), "based_on": draft.checksum})
    assert answer.status_code == 302
    return draft.pk


def as_new_text(pia: Person, shop: Shop, definition: Definition) -> int:
    """Typed into the admin's page for a new one."""
    client = Client()
    client.force_login(pia)
    assert client.post(reverse("admin:workflows_version_add"), {"definition": definition.to_json()}).status_code == 302
    return Version.objects.latest("pk").pk


def by_command(pia: Person, shop: Shop, definition: Definition) -> int:
    draft = run(create_draft, pia, version_id=shop.version.pk)
    run(save_draft, pia, version_id=draft, definition=definition)
    return draft


def as_package(pia: Person, shop: Shop, definition: Definition) -> int:
    return run(import_package, pia, text=package_of(definition)).drafts["workflow:thing"]


def in_the_editor(pia: Person, shop: Shop, definition: Definition) -> int:
    """State by state and edge by edge, in the forms of the studio."""
    client = Client()
    client.force_login(pia)
    desk = Desk(client, Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk)), pia)
    before = desk.now
    for old, new in zip(before.states, definition.states, strict=True):
        if old != new:
            desk.send(f"?state={old.code}", "save", **{"state-status": new.status, "state-kind": str(new.kind)})
    known = {edge.code for edge in before.edges}
    for edge in definition.edges:
        if edge not in before.edges:
            typed = {
                "edge-code": edge.code,
                "edge-labels_en": edge.labels["en"],
                "edge-target": edge.target,
                "edge-roles": edge.roles,
                "edge-presentation": str(edge.presentation),
                "edge-at_most": str(edge.at_most or ""),
                "edge-reason_required": "on" if edge.reason_required else None,
            }
            which = f"{edge.code}@{edge.sources[0]}" if edge.code in known else f"new@{edge.sources[0]}"
            desk.send(f"?edge={which}", "save", **typed)
    return desk.draft.pk


SURFACES = [as_text, as_new_text, by_command, as_package, in_the_editor]
# Where a status is picked from a list, there is none to pick that the kind does not have.
IMPOSSIBLE = (in_the_editor, _unknown_status)


@pytest.mark.parametrize(
    ("surface", "forbidden"),
    [(surface, forbidden) for surface in SURFACES for forbidden in FORBIDDEN if (surface, forbidden) != IMPOSSIBLE],
)
def test_no_surface_publishes_what_the_kind_forbids(shop, pia, surface, forbidden):
    draft = surface(pia, shop, thing_workflow(forbidden))
    with pytest.raises(CommandRefused, match="check has found"):
        run(submit_for_review, pia, version_id=draft)
    with pytest.raises(CommandRefused):
        run(publish, make_holder(*EDITOR), version_id=draft, note="Please.")
    assert Version.objects.get(pk=draft).status == "draft"
    with pytest.raises(Exception, match=r"not published|begins in the initial state"), transaction.atomic():
        Thing.objects.create(workflow_version_id=draft, site_id=shop.site_id)


def test_the_editor_takes_no_status_that_the_kind_does_not_have(shop, pia):
    draft = in_the_editor(pia, shop, thing_workflow(_unknown_status))
    assert to_definition(Version.objects.get(pk=draft)) == thing_workflow()


@pytest.mark.parametrize("surface", SURFACES)
def test_an_invariant_in_code_holds_in_a_workflow_without_any_guard(shop, pia, surface):
    """Things called "locked" do not run: no role, no condition and no effect of an edge changes that."""
    free = thing_workflow(start={"roles": [], "presentation": "offered", "at_most": 9})
    draft = surface(pia, shop, free)
    run(submit_for_review, pia, version_id=draft)
    run(publish, make_holder(*EDITOR), version_id=draft, note="Everybody starts.")
    freed = Shop(Version.objects.get(pk=draft), shop.olga, shop.lena, shop.olaf, shop.site_id)
    assert refused(shop.olga, freed.thing(name="locked"), "start").code == "locked"
    assert run(move_thing, shop.olga, thing_id=freed.thing().pk, edge="start") == "running"


# ---- SQL, as the web's role


def sql(text: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text, values)


PUBLISHED_CHANGES: list[Callable[[Version], tuple[str, list[object]]]] = [
    lambda v: ("UPDATE workflows_state SET status = 'running' WHERE version_id = %s", [v.pk]),
    lambda v: ("UPDATE workflows_edge SET roles = '[]', conditions = '[]' WHERE version_id = %s", [v.pk]),
    lambda v: ("DELETE FROM workflows_edge WHERE version_id = %s", [v.pk]),
    lambda v: (
        """INSERT INTO workflows_state (version_id, code, labels, status, kind, position, is_safe, phase)
           VALUES (%s, 'free', '{}', 'running', 'normal', 99, false, '')""",
        [v.pk],
    ),
    lambda v: ("UPDATE workflows_version SET checksum = '' WHERE id = %s", [v.pk]),
    lambda v: ("UPDATE workflows_version SET status = 'draft' WHERE id = %s", [v.pk]),
]


@pytest.mark.parametrize("change", PUBLISHED_CHANGES)
def test_sql_changes_nothing_that_is_published(shop, change):
    text, values = change(shop.version)
    with pytest.raises(IntegrityError):
        sql(text, *values)
    assert to_definition(Version.objects.get(pk=shop.version.pk)) == thing_workflow()


@pytest.mark.parametrize("status", ["running", "completed", "flying"])
def test_sql_sets_no_status(shop, status):
    thing = shop.thing("held")
    for text in (
        "UPDATE testapp_thing SET status = %s WHERE id = %s",
        "UPDATE testapp_thing SET state = 'running', status = %s WHERE id = %s",
    ):
        with pytest.raises(IntegrityError):
            sql(text, status, thing.pk)
    assert Thing.objects.get(pk=thing.pk).status == "held"


def test_what_sql_has_published_past_the_check_still_moves_nothing_that_the_kind_forbids(shop, pia):
    """The tables let a version become published step by step; the engine asks the kind at each move all the same."""
    draft = run(import_draft, pia, definition=thing_workflow(_from_hold_to_running))
    sql("UPDATE workflows_version SET status = 'in_review' WHERE id = %s", draft)
    sql(
        "UPDATE workflows_version SET status = 'published', published_at = now(), effective_from = now(), "
        "approver_id = 0 WHERE id = %s",
        draft,
    )
    smuggled = Shop(Version.objects.get(pk=draft), shop.olga, shop.lena, shop.olaf, shop.site_id)
    thing = smuggled.thing("held")
    refusal = refused(shop.olga, thing, "break_out", {"reason": "Hurry"})
    assert refusal.code == "status_move_forbidden"


def test_an_item_is_not_taken_over_to_a_freer_version_by_sql(shop, pia):
    thing = shop.thing("held")
    draft = run(import_draft, pia, definition=thing_workflow(_from_hold_to_running))
    with pytest.raises(IntegrityError, match="stays on its workflow version"):
        sql("UPDATE testapp_thing SET workflow_version_id = %s WHERE id = %s", draft, thing.pk)


def test_states_and_edges_of_a_draft_lead_no_item_anywhere(shop, pia):
    draft = run(import_draft, pia, definition=thing_workflow(_from_hold_to_running))
    assert Edge.objects.filter(version=draft, code="break_out").exists()
    assert State.objects.filter(version=draft).exists()
    assert refused(shop.olga, shop.thing("held"), "break_out", {"reason": "x"}).code == "unknown_edge"


def test_no_address_of_the_api_knows_workflows():
    """When one does, it belongs among SURFACES."""
    assert get_resolver().url_patterns
    assert not [name for name in addresses() if name.startswith("api:") and ("workflow" in name or "rule" in name)]


def test_the_system_itself_is_held_to_them_too(shop):
    thing = shop.thing(name="locked")
    with pytest.raises(CommandRefused) as refusal:
        run(move_thing, Actor.system("tests"), thing_id=thing.pk, edge="start", as_system=True)
    assert refusal.value.code == "wrong_role"
