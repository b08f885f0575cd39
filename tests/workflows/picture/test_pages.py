"""The pages with the picture, the differences and the history of a version, as a browser gets them."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.events import EVENTS
from apps.workflows.commands import (
    create_draft,
    import_draft,
    publish,
    redo_step,
    resume_edge,
    return_to_draft,
    save_draft,
    stop_edge,
    submit_for_review,
    undo_step,
)
from apps.workflows.life.commands import roll_back
from apps.workflows.models import EdgeStop
from apps.workflows.story import WORDS
from tests.workflows.test_admin import ENGINEER, html, signed_in
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import run

pytestmark = pytest.mark.django_db

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
READS_HISTORY = (*ENGINEER, "core.view_ledger")


def with_check(content):
    """A check of the first piece between ready and running; what is completed is not closed any more."""
    content["states"].append({"code": "check", "labels": {"en": "First piece"}, "status": "running"})
    try_it = {"code": "try", "labels": {"en": "Try"}, "sources": ["ready"], "target": "check", "roles": ["operator"]}
    content["edges"] = [edge for edge in content["edges"] if edge["code"] != "close"] + [try_it]


CHECKED = thing_workflow(with_check, start={"sources": ["paused"]}, hold={"labels": {"en": "Stop it"}})


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def pia():
    return signed_in("pia", *READS_HISTORY)


@pytest.fixture
def draft(shop, pia):
    return run(create_draft, pia[0], version_id=shop.version.pk)


def graph(version: int, against: str = "") -> str:
    address = reverse("admin:workflows_version_graph", args=[version])
    return f"{address}?against={against}" if against else address


def history(version: int) -> str:
    return reverse("admin:workflows_version_history", args=[version])


def picture(page: str) -> ET.Element:
    return ET.fromstring(re.search(r'<svg class="graph.*?</svg>', page, re.DOTALL)[0])  # our own


def drawn(page: str, what: str) -> dict[str, str]:
    """Classes by what stands in it, of states or wires."""
    groups = (group for group in picture(page) if group.get("class", "").startswith(what))
    return {" ".join(text.text or "" for text in group.iter("text")): group.get("class", "") for group in groups}


def told(page: str) -> list[str]:
    """The list of differences and the history as a reader hears them, one text for each entry."""
    entries = re.findall(r'<li class="wf-change.*?</li>|<tr>\s*<td.*?</tr>', page, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", entry)).split()) for entry in entries]


def test_the_version_in_force_is_a_picture_of_its_states_and_moves(shop, pia):
    page = html(pia[1], graph(shop.version.pk))
    assert picture(page).get("aria-label") == "Workflow Things: 8 states, 10 moves."
    states = drawn(page, "state")
    assert len(states) == 8
    assert states["Held Held"] == "state is-same kind-hold"
    assert "Complete Complete short" in drawn(page, "wire")
    assert "style=" not in re.search(r"<svg class=\"graph.*?</svg>", page, re.DOTALL)[0]


def test_a_draft_is_shown_against_the_version_in_force(draft, pia):
    run(save_draft, pia[0], version_id=draft, definition=CHECKED)
    page = html(pia[1], graph(draft))
    assert "added: 1 state, 1 move. removed: 1 move. changed: 2 moves." in picture(page).get("aria-label")
    assert drawn(page, "state")["+ First piece Running"] == "state is-added kind-normal"
    wires = drawn(page, "wire")
    assert wires["+ Try"] == "wire is-added"
    assert wires[f"{MINUS} Close"] == "wire is-removed auto"
    assert wires["~ Stop it label"] == "wire is-changed"
    entries = told(page)
    assert len(entries) == 5
    assert any(entry.startswith("+ First piece state added") for entry in entries)
    assert any("Stop it move changed" in entry and "en: Hold" in entry and "en: Stop it" in entry for entry in entries)


def test_each_difference_says_who_made_it(draft, pia):
    paul, _ = signed_in("paul", *ENGINEER)
    run(save_draft, pia[0], version_id=draft, definition=thing_workflow(hold={"labels": {"en": "Stop it"}}))
    run(save_draft, paul, version_id=draft, definition=CHECKED)
    entries = told(html(pia[1], graph(draft)))
    assert [("Pia" in entry, "Paul" in entry) for entry in entries if "Stop it" in entry] == [(True, False)]
    assert all("last changed by Paul" in entry for entry in entries if "Stop it" not in entry)


def test_what_was_undone_is_nobodys(draft, pia):
    paul, _ = signed_in("paul", *ENGINEER)
    run(save_draft, pia[0], version_id=draft, definition=thing_workflow(hold={"labels": {"en": "Stop it"}}))
    run(save_draft, paul, version_id=draft, definition=thing_workflow(hold={"labels": {"en": "No"}}))
    run(undo_step, paul, version_id=draft)
    [entry] = told(html(pia[1], graph(draft)))
    assert "last changed by Pia" in entry


def test_who_may_not_read_the_history_sees_no_name(draft, pia):
    run(save_draft, pia[0], version_id=draft, definition=CHECKED)
    _, other = signed_in("vera", "workflows.view")
    for address in (graph(draft), history(draft)):
        shown = told(html(other, address))
        assert shown
        assert not any("Pia" in entry for entry in shown)
        assert any("Pia" in entry for entry in told(html(pia[1], address)))


def test_any_two_versions_are_compared(shop, draft, pia):
    run(save_draft, pia[0], version_id=draft, definition=CHECKED)
    second = run(create_draft, pia[0], version_id=draft)
    assert told(html(pia[1], graph(second, "2"))) == []
    assert "Nothing differs." in html(pia[1], graph(second, "2"))
    assert len(told(html(pia[1], graph(second)))) == 5
    alone = html(pia[1], graph(second, "none"))
    assert told(alone) == []
    assert "Nothing differs." not in alone
    backwards = drawn(html(pia[1], graph(shop.version.pk, "2")), "state")
    assert backwards[f"{MINUS} First piece Running"] == "state is-removed kind-normal"


def test_an_unknown_number_is_the_version_in_force(draft, pia):
    run(save_draft, pia[0], version_id=draft, definition=CHECKED)
    assert len(told(html(pia[1], graph(draft, "99")))) == 5


def test_a_stopped_edge_is_marked(shop, pia):
    run(stop_edge, pia[0], workflow_id=shop.version.workflow_id, edge="start", reason="The press leaks.")
    page = html(pia[1], graph(shop.version.pk))
    assert f"{TIMES} Start" in drawn(page, "wire")
    assert "stopped for now" in page


def test_words_that_look_like_tags_stay_words(draft, pia):
    label = "<script>alert(1)</script>"
    run(save_draft, pia[0], version_id=draft, definition=thing_workflow(start={"labels": {"en": label}}))
    page = html(pia[1], graph(draft))
    assert "<script>alert" not in page
    assert any(label in text for text in picture(page).itertext())


def test_the_history_tells_a_version_from_draft_to_publication(shop, draft, pia):
    person, client = pia
    paul, _ = signed_in("paul", *ENGINEER)
    run(
        save_draft, person, version_id=draft, definition=thing_workflow(start={"labels": {"en": "Go"}}), label="renamed"
    )
    run(undo_step, person, version_id=draft)
    run(redo_step, person, version_id=draft)
    run(submit_for_review, person, version_id=draft)
    run(return_to_draft, paul, version_id=draft)
    run(submit_for_review, person, version_id=draft)
    run(publish, paul, version_id=draft, note="Go is shorter.")
    run(stop_edge, paul, workflow_id=shop.version.workflow_id, edge="start", reason="The press leaks.")
    run(resume_edge, person, stop_id=EdgeStop.objects.get().pk)
    entries = [re.sub(r"^\S+ \S+ ", "", entry) for entry in told(html(client, history(draft)))]
    assert entries == [
        "Pia “Go” resumed",
        "Paul “Go” stopped in all versions The press leaks.",
        "Paul published Go is shorter.",
        "Pia submitted for review",
        "Paul returned to draft",
        "Pia submitted for review",
        "Pia saved renamed undone: renamed renamed",
        "Pia created as a copy of version 1",
    ]


def test_the_history_tells_the_way_back(shop, draft, pia):
    paul, _ = signed_in("paul", *ENGINEER)
    run(save_draft, pia[0], version_id=draft, definition=CHECKED)
    back = run(roll_back, paul, version_id=shop.version.pk, reason="The check takes too long.")
    entries = told(html(pia[1], history(back)))
    assert any("Paul made to go back to version 1" in entry for entry in entries)
    assert any("Paul published The check takes too long." in entry for entry in entries)


def test_no_event_of_a_version_is_told_by_its_code():
    """Whoever adds an event about versions gives it words here as well."""
    events = [event for event in EVENTS.values() if event.__module__.startswith("apps.workflows")]
    kinds = {event.kind for event in events if event.subject_kind in {"workflow_version", "workflow"}}
    assert kinds - WORDS.keys() == set()


def test_the_shipped_history_says_it_was_the_system(shop, pia):
    entries = told(html(pia[1], history(shop.version.pk)))
    assert any("the system published" in entry for entry in entries)


def test_the_pages_ask_the_database_as_often_whatever_was_done(shop, draft, pia):
    def asked(address: str) -> int:
        """But for the menu, which asks for the rights of each entry, and the clock, which is asked now and then."""
        with CaptureQueriesContext(connection) as captured:
            html(pia[1], address)
        besides = ("plant_roleassignment", "core_sharedclock")
        return sum(not any(table in query["sql"] for table in besides) for query in captured)

    html(pia[1], graph(draft))
    counts = []
    for edits in (1, 12):
        for number in range(edits):
            changed = thing_workflow(start={"labels": {"en": f"Go {edits} {number}"}})
            run(save_draft, pia[0], version_id=draft, definition=changed)
        counts.append([asked(graph(draft)), asked(history(draft))])
    assert counts[0] == counts[1]
    assert counts[0][0] <= 21
    assert counts[0][1] <= 14


def test_versions_of_other_workflows_are_none_to_compare_with(shop, pia):
    other = run(import_draft, pia[0], definition=thing_workflow(lambda content: content.update(code="other")))
    assert 'value="1"' not in html(pia[1], graph(other))
