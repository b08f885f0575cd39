"""The editor of a draft as a browser sends it, without one."""

from __future__ import annotations

import html as entities
import re
from html.parser import HTMLParser
from typing import Any

from django.urls import reverse

from apps.workflows.commands import create_draft, save_draft
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from tests.workflows.test_admin import signed_in
from tests.world import run


class _Form(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.is_in, self.select, self.area = form_id, False, "", ""
        self.options: list[tuple[str, bool]] = []
        self.fields: dict[str, Any] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.is_in = given.get("id") == self.form_id
        if not self.is_in:
            return
        name = given.get("name") or ""
        if tag == "input" and given.get("type") in {"checkbox", "radio"}:
            if "checked" in given:
                self.fields.setdefault(name, []).append(given.get("value") or "on")
        elif tag == "input" and name:
            self.fields[name] = given.get("value") or ""
        elif tag == "textarea":
            self.area, self.fields[name] = name, ""
        elif tag == "select":
            self.select, self.options = name, []
        elif tag == "option" and self.select:
            self.options.append((given.get("value") or "", "selected" in given))

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select:
            chosen = [value for value, is_chosen in self.options if is_chosen]
            self.fields[self.select] = (chosen or [value for value, __ in self.options[:1]] or [""])[0]
            self.select = ""
        elif tag == "textarea" and self.area:
            self.fields[self.area] = self.fields[self.area].removeprefix("\n")
            self.area = ""
        elif tag == "form":
            self.is_in = False


def fields_of(page: str, form_id: str) -> dict[str, Any]:
    """name -> value, or values of what is ticked; without buttons."""
    parser = _Form(form_id)
    parser.feed(page)
    assert parser.fields, f"no form {form_id} on the page"
    return parser.fields


def said(answer):
    """The text of the page, as one reads it."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", entities.unescape(text))


class Desk:
    """The page of one draft, in the hands of somebody."""

    def __init__(self, client, draft, person):
        self.client, self.draft, self.person = client, draft, person

    @property
    def address(self):
        return reverse("admin:workflows_version_edit", args=[self.draft.pk])

    def get(self, query=""):
        answer = self.client.get(self.address + query)
        assert answer.status_code == 200
        return answer.content.decode()

    def send(self, query, do, form="studio-form", **typed):
        """The form of the page as it is, with what is typed over it, and one button pressed."""
        sent = {**fields_of(self.get(query), form), "do": do, **typed}
        return self.client.post(self.address + query, {k: v for k, v in sent.items() if v is not None})

    def again(self, answer, do, query, **typed):
        """What came back, sent on."""
        sent = {**fields_of(answer.content.decode(), "studio-form"), "do": do, **typed}
        return self.client.post(self.address + query, {k: v for k, v in sent.items() if v is not None})

    def save(self, definition, label=""):
        run(save_draft, self.person, version_id=self.draft.pk, definition=definition, label=label)

    @property
    def now(self):
        return to_definition(Version.objects.get(pk=self.draft.pk))

    def edge(self, code):
        return next(edge for edge in self.now.edges if edge.code == code)

    def state(self, code):
        return next(state for state in self.now.states if state.code == code)


def desk_of(name, shop_version, *actions):
    person, client = signed_in(name, "workflows.view", "workflows.edit", *actions)
    draft = Version.objects.get(pk=run(create_draft, person, version_id=shop_version.pk))
    return Desk(client, draft, person)
