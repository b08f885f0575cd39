"""The engineers' pages, as a browser sends them: read, copy, edit, review, publish, stop."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.workflows.commands import create_draft, submit_for_review
from apps.workflows.definition import parse
from apps.workflows.models import EdgeStop, Version
from apps.workflows.rows import to_definition
from tests.workflows.workshop import make_shop, refused, thing_workflow
from tests.world import PASSWORD, give_role, make_person, make_role, run

pytestmark = pytest.mark.django_db

ENGINEER = ("workflows.view", "workflows.edit", "workflows.publish", "workflows.stop_edge")


@pytest.fixture
def shop():
    return make_shop()


def signed_in(name: str, *actions: str):
    person = make_person(name, password=PASSWORD, is_staff=True)
    give_role(person, make_role(f"role_of_{name}", *actions))
    client = Client()
    assert client.login(username=name, password=PASSWORD)
    return person, client


def page(version: int) -> str:
    return reverse("admin:workflows_version_change", args=[version])


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, address: str, name: str, text: str = ""):
    """The button as the page has it, with the command id made for it."""
    form = next(
        form for form in re.findall(r"<form.*?</form>", html(client, address), re.DOTALL) if f'value="{name}"' in form
    )
    command_id = re.search(r'name="command_id" value="([^"]+)"', form).group(1)
    return client.post(address, {"_do": name, "command_id": command_id, "text": text}, follow=True)


def test_pages_open(shop):
    _, client = signed_in("vera", "workflows.view")
    for name in ("workflow", "version", "edgestop"):
        assert client.get(reverse(f"admin:workflows_{name}_changelist")).status_code == 200
    shown = html(client, page(shop.version.pk))
    for text in ("has no duty roster", "make_ready", "Running (de)", "line_lead"):
        assert text in shown
    assert 'name="_do"' not in shown
    assert "<textarea" not in shown


def test_without_rights_nothing_opens(shop):
    _, client = signed_in("nora", "plant.view_plant")
    assert client.get(page(shop.version.pk)).status_code == 403
    assert client.get(reverse("admin:workflows_version_changelist")).status_code == 403


def test_from_copy_to_publication(shop):
    pia, author = signed_in("pia", *ENGINEER)
    paul, approver = signed_in("paul", *ENGINEER)
    copied = press(author, page(shop.version.pk), "copy")
    draft = Version.objects.latest("number")
    assert copied.redirect_chain[-1][0] == page(draft.pk)

    changed = thing_workflow(start={"labels": {"en": "Go", "de": "Los"}})
    form = {"definition": changed.to_json(), "based_on": draft.checksum}
    assert author.post(page(draft.pk), form).status_code == 302
    assert to_definition(Version.objects.get(pk=draft.pk)) == changed

    press(author, page(draft.pk), "submit")
    assert "can&#x27;t approve it" in press(author, page(draft.pk), "publish", "Mine.").content.decode()
    assert Version.objects.get(pk=draft.pk).status == "in_review"
    press(approver, page(draft.pk), "publish", "Go is shorter.")
    draft.refresh_from_db()
    assert (draft.status, draft.approver_id, draft.note) == ("published", paul.pk, "Go is shorter.")
    assert draft.editor_ids == [pia.pk]


def test_the_page_gives_the_draft_as_its_file(shop):
    pia, client = signed_in("pia", *ENGINEER)
    draft = run(create_draft, pia, version_id=shop.version.pk)
    form = client.get(page(draft)).context["adminform"].form
    assert parse(form.initial["definition"]) == thing_workflow()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        (thing_workflow().to_json().replace('"target": "running"', '"target": "sky"'), "state sky is not there"),
        (thing_workflow(lambda c: c.update(code="other")).to_json(), "keeps the code"),
    ],
)
def test_a_wrong_text_is_said_in_words_and_stays(shop, text, said):
    pia, client = signed_in("pia", *ENGINEER)
    draft = run(create_draft, pia, version_id=shop.version.pk)
    checksum = Version.objects.get(pk=draft).checksum
    answer = client.post(page(draft), {"definition": text, "based_on": checksum})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert answer.context["adminform"].form.data["definition"] == text
    assert Version.objects.get(pk=draft).checksum == checksum


def test_somebody_elses_change_is_not_overwritten(shop):
    pia, client = signed_in("pia", *ENGINEER)
    draft = run(create_draft, pia, version_id=shop.version.pk)
    answer = client.post(page(draft), {"definition": thing_workflow().to_json(), "based_on": "older"})
    assert "meanwhile" in answer.content.decode()


def test_import(shop):
    pia, client = signed_in("pia", *ENGINEER)
    text = thing_workflow(lambda content: content.update(code="other")).to_json()
    assert client.post(reverse("admin:workflows_version_add"), {"definition": text}).status_code == 302
    version = Version.objects.get(workflow__code="other")
    assert (version.status, version.author_id) == ("draft", pia.pk)


def test_check_is_shown(shop):
    pia, client = signed_in("pia", *ENGINEER)
    draft = Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk))
    wrong = thing_workflow(start={"roles": ["pilot"]})
    client.post(page(draft.pk), {"definition": wrong.to_json(), "based_on": draft.checksum})
    assert "there is no role pilot." in html(client, page(draft.pk))


def test_buttons_go_by_right(shop):
    pia, _ = signed_in("pia", *ENGINEER)
    draft = run(create_draft, pia, version_id=shop.version.pk)
    run(submit_for_review, pia, version_id=draft)
    _, client = signed_in("eva", "workflows.view", "workflows.edit")
    assert 'value="publish"' not in html(client, page(draft))
    assert client.post(page(draft), {"_do": "publish", "text": "x"}).status_code == 403
    assert Version.objects.get(pk=draft).status == "in_review"


def test_a_published_version_takes_no_text(shop):
    _, client = signed_in("pia", *ENGINEER)
    form = {"definition": thing_workflow(start={"roles": []}).to_json(), "based_on": shop.version.checksum}
    assert client.post(page(shop.version.pk), form).status_code == 403
    assert to_definition(Version.objects.get(pk=shop.version.pk)) == thing_workflow()


def test_nothing_is_deleted(shop):
    _, client = signed_in("pia", *ENGINEER)
    assert client.post(reverse("admin:workflows_version_delete", args=[shop.version.pk])).status_code == 403


def test_double_click_is_one_act(shop):
    _, client = signed_in("pia", *ENGINEER)
    form = {"_do": "copy", "command_id": "3f2b7c1e-0000-4000-8000-000000000001"}
    for _ in range(2):
        client.post(page(shop.version.pk), form)
    assert Version.objects.count() == 2


def test_a_button_without_its_command_id(shop):
    _, client = signed_in("pia", *ENGINEER)
    assert "Reload the page" in client.post(page(shop.version.pk), {"_do": "copy"}, follow=True).content.decode()
    assert Version.objects.count() == 1


def test_stop_and_resume(shop):
    _, client = signed_in("lena2", "workflows.view", "workflows.stop_edge")
    form = {"workflow": shop.version.workflow_id, "edge": "start", "reason": "Fixture 4 is cracked."}
    assert client.post(reverse("admin:workflows_edgestop_add"), form).status_code == 302
    stop = EdgeStop.objects.get()
    assert refused(shop.olga, shop.thing(), "start").code == "edge_stopped"
    assert "<b>stopped</b>" in html(client, page(shop.version.pk))
    press(client, reverse("admin:workflows_edgestop_change", args=[stop.pk]), "resume")
    stop.refresh_from_db()
    assert stop.resumed_at is not None


def test_stop_of_an_unknown_edge_is_said(shop):
    _, client = signed_in("lena2", "workflows.view", "workflows.stop_edge")
    form = {"workflow": shop.version.workflow_id, "edge": "fly", "reason": "x"}
    answer = client.post(reverse("admin:workflows_edgestop_add"), form, follow=True)
    assert "No published version has an edge of this name." in answer.content.decode()
