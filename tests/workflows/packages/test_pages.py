"""Export, import and the library on the list of versions, as a browser sends them."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.plant.models import Role
from apps.workflows.models import Version, Workflow
from apps.workflows.packages.file import read
from apps.workflows.packages.library import books
from tests.workflows.packages.test_packages import NEEDS, demanding, other, package_of
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import PASSWORD, make_holder

pytestmark = pytest.mark.django_db

LIST = "admin:workflows_version_changelist"
IMPORT = "admin:workflows_version_import_package"
LIBRARY = "admin:workflows_version_library"


@pytest.fixture
def shop():
    return make_shop()


def signed_in(*actions: str) -> Client:
    person = make_holder(*actions, is_staff=True, password=PASSWORD)
    client = Client()
    assert client.login(username=person.username, password=PASSWORD)
    return client


def engineer(*more: str) -> Client:
    return signed_in("workflows.view", "workflows.edit", *more)


def send(client: Client, content: str | bytes, name: str = "package.json") -> str:
    data = content if isinstance(content, bytes) else content.encode()
    answer = client.post(reverse(IMPORT), {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 200
    return answer.content.decode()


def carried(page: str) -> str:
    return html.unescape(re.search(r'name="confirmed" value="([^"]+)"', page).group(1))


def ticked(page: str) -> list[str]:
    return re.findall(r'name="take" value="([^"]+)" checked', page)


def test_what_is_ticked_is_exported(shop):
    client = signed_in("workflows.view")
    form = {"action": "export_package", "_selected_action": [shop.version.pk]}
    answer = client.post(reverse(LIST), form)
    assert answer["Content-Disposition"] == 'attachment; filename="package.json"'
    assert [one.content["code"] for one in read(answer.content).objects] == ["thing"]


def test_a_file_is_shown_before_anything_is_written_then_imported(shop):
    client = engineer()
    page = send(client, other(), "../../etc/passwd")
    assert 'data-standing="new"' in page
    assert ticked(page) == ["workflow:other"]
    assert not Workflow.objects.filter(code="other").exists()

    done = client.post(reverse(IMPORT), {"confirmed": carried(page), "take": ticked(page)}, follow=True)
    assert done.redirect_chain[-1][0].endswith(reverse(LIST)) or done.request["PATH_INFO"] == reverse(LIST)
    assert "workflow:other" in done.content.decode()
    assert Version.objects.get(workflow__code="other").status == "draft"

    again = send(client, other())
    assert "changes nothing" in again
    assert ticked(again) == []
    assert (
        "Nothing was changed"
        in client.post(reverse(IMPORT), {"confirmed": carried(again)}, follow=True).content.decode()
    )
    assert Version.objects.filter(workflow__code="other").count() == 1


def test_what_is_not_ticked_stays_out(shop):
    client = engineer()
    client.post(reverse(IMPORT), {"confirmed": carried(send(client, other()))})
    assert not Workflow.objects.filter(code="other").exists()


def test_a_page_made_up_elsewhere_is_refused(shop):
    client = engineer()
    forged = client.post(
        reverse(IMPORT), {"confirmed": carried(send(client, other()))[:-3] + "abc", "take": ["workflow:other"]}
    )
    assert "Send the file again" in forged.content.decode()
    assert "Send the file again" in client.post(reverse(IMPORT), {"confirmed": other()}).content.decode()
    assert not Workflow.objects.filter(code="other").exists()


def test_what_is_missing_is_offered_to_who_may_create_it(shop):
    assert "It can be created by" in (page := send(engineer(), demanding()))
    assert 'name="create"' not in page
    boss = engineer("plant.manage_roles")
    page = send(boss, demanding())
    assert re.findall(r'name="create" value="([^"]+)"', page) == ["role:pilot"]
    boss.post(reverse(IMPORT), {"confirmed": carried(page), "take": ["workflow:other"], "create": ["role:pilot"]})
    assert Role.objects.filter(code=NEEDS[0]["code"]).exists()


def test_a_damaged_file_is_refused_in_words(shop):
    for content in (other().replace("Others", "Mine"), b"\xff\xfe", b"PK\x03\x04", "{", '{"format": 99}'):
        page = send(engineer(), content)
        assert 'name="confirmed"' not in page
        assert re.search(r"Export it again|UTF-8|archive|Invalid JSON|newer|format 99", html.unescape(page))


def test_no_file_is_said(shop):
    assert "Choose the file" in engineer().post(reverse(IMPORT), {}).content.decode()


def test_labels_are_text_and_nothing_else(shop):
    evil = "<script>alert(1)</script>{{ 7*7 }}%(x)s"
    definition = thing_workflow(
        lambda content: content.update(code="other", name=evil), start={"labels": {"en": evil, "de": evil}}
    )
    page = send(engineer(), package_of(definition, title=evil, needs=[]))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}%(x)s" in page


@pytest.mark.parametrize("address", [IMPORT, LIBRARY])
def test_only_who_may_edit_gets_there(shop, address):
    client = signed_in("workflows.view")
    assert client.get(reverse(address)).status_code == 403
    assert client.post(reverse(address), {"confirmed": other()}).status_code == 403


def test_a_book_of_the_library_is_looked_at_and_imported(shop):
    client = engineer()
    shown = client.get(reverse(LIBRARY)).content.decode()
    for book in books().values():
        assert f'value="{book.code}"' in shown
    answer = client.post(reverse(LIBRARY), {"book": "../workflows/job_order"})
    assert 'name="confirmed"' not in answer.content.decode()


def test_the_file_is_json_that_people_can_read(shop):
    form = {"action": "export_package", "_selected_action": [shop.version.pk]}
    text = signed_in("workflows.view").post(reverse(LIST), form).content.decode()
    assert json.loads(text)["format"] == 1
    assert text.count("\n") > 100
