"""What a form has sent of the inputs of a step: the prefix of a field's name says what kind of value it is."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import QueryDict

LOT = "lot"
PHOTO = "photo"
LONGEST_SCAN = 200


def inputs(data: QueryDict) -> dict[str, str | bool | list[str]]:
    """By the names that the edge gives them; empty fields were not given."""
    given: dict[str, str | bool | list[str]] = {}
    for field, text in data.items():
        prefix, _dot, name = field.partition(".")
        if prefix in _READ and isinstance(text, str) and text.strip():
            given[name] = _READ[prefix](text)
        elif prefix == PHOTO:
            given[name] = [reference for reference in data.getlist(field) if isinstance(reference, str)]
    return given


def act_id(text: str) -> UUID:
    """The browser's id of an act; one that can't be read is taken as a new act."""
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


def typed_number(text: str) -> str:
    """Comma or point as the decimal mark, and a minus of either kind."""
    return text.strip().replace(",", ".").replace("\u2212", "-")


_READ: dict[str, Callable[[str], str | bool]] = {
    "input": str,
    LOT: lambda text: text.strip()[:LONGEST_SCAN],
    "number": typed_number,
    "yes_no": lambda text: text == "yes",
}
