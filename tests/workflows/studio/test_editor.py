"""The editor as a browser sends it: what an engineer changes on one page."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.workflows.definition import EdgeSpec, StateSpec
from apps.workflows.models import Version
from apps.workflows.studio import editing
from tests.workflows.studio.sent import Desk, desk_of, fields_of, said
from tests.workflows.test_admin import signed_in
from tests.workflows.workshop import make_shop, thing_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def desk(shop):
    return desk_of("pia", shop.version)


def test_every_state_and_edge_opens_and_saves_as_it_is(desk):
    before = desk.now
    for state in before.states:
        assert desk.send(f"?state={state.code}", "save").status_code == 302, state.code
    for edge in before.edges:
        answer = desk.send(f"?edge={edge.code}@{edge.sources[0]}", "save")
        assert answer.status_code == 302, (edge.code, said(answer))
    assert desk.send("?", "save").status_code == 302
    assert desk.now == before
    assert not desk.draft.steps.exists(), "nothing was changed, so there is nothing to undo"


class TestStates:
    def test_a_state_is_added_behind_another_and_named_by_its_label(self, desk):
        typed = {"state-labels_en": "First-piece check", "state-labels_de": "Erstteilprüfung", "state-status": "held"}
        answer = desk.send("?state=new&after=ready", "save", **typed)
        assert answer.headers["Location"].endswith("?state=first_piece_check")
        assert [state.code for state in desk.now.states][:3] == ["waiting", "ready", "first_piece_check"]
        made = desk.state("first_piece_check")
        assert (made.labels["de"], made.status, made.kind) == ("Erstteilprüfung", "held", "normal")

    def test_the_statuses_are_those_of_the_kind(self, desk):
        page = desk.get("?state=held")
        shown = re.search(r'<select name="state-status".*?</select>', page, re.DOTALL)[0]
        assert re.findall(r'value="(\w+)"', shown) == [
            "waiting", "ready", "running", "suspended", "held", "completed", "closed", "cancelled",
        ]  # fmt: skip
        answer = desk.send("?state=held", "save", **{"state-status": "flying"})
        assert "Select a valid choice" in said(answer)

    def test_renamed_it_is_renamed_in_its_edges(self, desk):
        desk.send("?state=ready", "save", **{"state-code": "released"})
        assert desk.edge("start").sources == ["released"]
        assert desk.edge("make_ready").target == "released"

    def test_a_code_that_is_taken_is_said_at_the_field_and_nothing_typed_is_lost(self, desk):
        typed = {"state-code": "running", "state-labels_en": "Ready & able"}
        answer = desk.send("?state=ready", "save", **typed)
        assert "There is a state running already." in said(answer)
        assert fields_of(answer.content.decode(), "studio-form")["state-labels_en"] == "Ready & able"
        assert desk.now == thing_workflow()

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ({"state-code": "Held!"}, "Small letters, digits and _ only"),
            ({"state-labels_en": "", "state-labels_de": ""}, "Say it in at least one language."),
            ({"state-labels_en": "…", "state-code": ""}, "none can be made from this label"),
        ],
    )
    def test_what_is_wrong_is_said_in_words(self, desk, typed, sentence):
        answer = desk.send("?state=held", "save", **typed)
        assert sentence in said(answer)
        assert desk.now == thing_workflow()

    def test_removing_one_asks_first_and_names_the_edges_that_go_with_it(self, desk):
        asked = desk.send("?state=paused", "remove")
        assert desk.now == thing_workflow()
        told = said(asked)
        assert "Remove Paused?" in told
        assert re.search(r"go with it: pause running → paused resume paused → running", told)
        assert re.search(r"no longer possible from it: hold ready, running, paused → held", told)
        desk.send("?state=paused", "remove sure")
        assert [edge.code for edge in desk.now.edges if "paused" in {*edge.sources, edge.target}] == []

    def test_states_and_exits_change_places(self, desk):
        desk.send("", "move state ready up", form="studio-list-form")
        assert [state.code for state in desk.now.states][:2] == ["ready", "waiting"]
        desk.send("", "move edge hold@running up", form="studio-list-form")
        assert [e.code for e in desk.now.edges if "running" in e.sources] == [
            "pause", "complete", "hold", "complete_short",
        ]  # fmt: skip


class TestUndo:
    def test_each_save_can_be_undone_and_done_again_by_its_name(self, desk):
        desk.send("?state=held", "save", **{"state-labels_en": "On hold"})
        assert re.search(r"Undo state held changed", said(desk.client.get(desk.address)))
        desk.send("?state=held", "undo", form="studio-steps")
        assert desk.now == thing_workflow()
        assert re.search(r"Redo state held changed", said(desk.client.get(desk.address)))
        desk.send("?state=held", "redo", form="studio-steps")
        assert desk.state("held").labels["en"] == "On hold"


class TestTogether:
    def test_what_somebody_else_has_saved_meanwhile_is_named_and_what_is_typed_stays(self, desk):
        page = desk.get("?state=held")
        changed = thing_workflow(start={"labels": {"en": "Go"}})
        desk.save(changed, "edge start changed")
        sent = {**fields_of(page, "studio-form"), "do": "save", "state-labels_en": "On hold"}
        answer = desk.client.post(desk.address + "?state=held", sent)
        assert "Somebody else has saved meanwhile: edge start changed." in said(answer)
        assert desk.state("held").labels["en"] == "Held"
        again = desk.again(answer, "save", "?state=held")
        assert again.status_code == 302
        assert desk.state("held").labels["en"] == "On hold"
        assert desk.edge("start").labels == {"en": "Go"}

    def test_what_was_removed_meanwhile_is_there_again_when_it_is_saved(self, desk):
        page = desk.get("?edge=hold@ready")
        desk.send("?edge=hold@ready", "remove")
        sent = {**fields_of(page, "studio-form"), "do": "save", "edge-labels_en": "Stop!"}
        answer = desk.client.post(desk.address + "?edge=hold@ready", sent)
        assert "edge hold removed" in said(answer)
        assert desk.again(answer, "save", "?edge=new@ready").status_code == 302
        assert desk.edge("hold").labels["en"] == "Stop!"


class TestWhoMay:
    def test_a_published_version_is_read_and_copied(self, shop):
        person, client = signed_in("pia", "workflows.view", "workflows.edit")
        desk = Desk(client, shop.version, person)
        page = desk.get("?edge=start@ready")
        assert '<fieldset class="studio-fields" disabled>' in page
        assert 'value="save"' not in page
        answer = desk.send("", "copy", form="studio-copy")
        draft = Version.objects.latest("number")
        assert answer.headers["Location"] == reverse("admin:workflows_version_edit", args=[draft.pk])

    def test_who_may_not_edit_changes_nothing_by_any_button(self, desk):
        _, client = signed_in("vera", "workflows.view")
        page = desk.get("?state=paused")
        assert 'value="undo"' not in Desk(client, desk.draft, None).get("?state=paused")
        before = desk.now
        for do in ("save", "remove sure", "move state held up", "undo", "redo", "copy"):
            answer = client.post(desk.address + "?state=paused", {**fields_of(page, "studio-form"), "do": do})
            assert "You may not" in said(answer), do
        assert desk.now == before
        assert Version.objects.count() == 2

    def test_a_button_that_is_none_changes_nothing(self, desk):
        for do in ("fly", "move state held sideways", "row conditions add x"):
            assert "Reload the page" in said(desk.send("?state=held", do))
        assert desk.now == thing_workflow()


def test_the_check_is_shown_where_it_finds_something(desk):
    wrong = thing_workflow(start={"roles": ["pilot"]})
    desk.save(wrong)
    assert "there is no role pilot" in said(desk.client.get(desk.address + "?edge=start@ready"))
    assert 'aria-label="Error: ' in desk.get()
    kept = fields_of(desk.get("?edge=start@ready"), "studio-form")
    assert kept["edge-roles"] == ["pilot"], (
        "what the plant no longer has is seen, and stays until somebody takes it out"
    )


def test_an_edge_is_found_by_its_code_alone(desk):
    assert 'value="release"' in desk.get("?edge=release")


def test_a_larger_workflow_takes_no_more_queries(desk, settings):
    settings.CLOCK = "real"  # the shared clock is read from the database now and then

    def asked():
        with CaptureQueriesContext(connection) as queries:
            answer = desk.client.get(desk.address + "?edge=start@ready", headers={"HX-Request": "true"})
        assert "<html" not in answer.content.decode(), "what is exchanged is a part of the page"
        return len(queries)

    few = asked()
    larger = thing_workflow()
    for number in range(20):
        state = StateSpec(code=f"more_{number}", labels={"en": "More"}, status="running")
        larger = editing.add_state(larger, state)
        edge = {"code": f"to_{number}", "labels": {"en": "x"}, "sources": ["running"], "target": state.code}
        larger = editing.add_edge(larger, EdgeSpec.model_validate({**edge, "roles": ["operator"]}))
    desk.save(larger)
    assert asked() == few
