"""A form of a page as a browser would send it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


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
