"""A package as one file: canonical JSON, so that equal ways of working are equal bytes.

    {"format": 1, "product": "0.1.0", "checksum": "...", "exported": {"at": "...", "by": "..."},
     "title": "...", "description": {"en": "..."},
     "objects": [{"kind": "workflow", "content": {...}}, ...],
     "needs": [{"kind": "role", "code": "operator", "content": {"names": {...}, "actions": [...]}}, ...]}

The checksum is over title, description, objects and needs; who exported it, when, and from which release is not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from apps.core.errors import CommandRefused
from apps.workflows.definition import Code, Texts, word
from apps.workflows.strict_json import OddJson, load

FORMAT = 1
MAX_OBJECTS = 500
MAX_NEEDS = 5_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackedObject(_Part):
    kind: Code
    content: dict[str, JsonValue]


class PackedNeed(_Part):
    """`code` of a reason is "purpose/code"."""

    kind: Code
    code: Annotated[str, Field(max_length=90)]
    content: dict[str, JsonValue] = {}


class Exported(_Part):
    at: Annotated[str, Field(max_length=40)] = ""
    by: Annotated[str, Field(max_length=200)] = ""


class Package(_Part):
    format: int = FORMAT
    product: Annotated[str, Field(max_length=40)] = ""
    checksum: Annotated[str, Field(max_length=64)] = ""
    exported: Exported = Exported()
    title: Annotated[str, Field(min_length=1, max_length=120)]
    description: Texts = {}
    objects: Annotated[list[PackedObject], Field(min_length=1, max_length=MAX_OBJECTS)]
    needs: Annotated[list[PackedNeed], Field(max_length=MAX_NEEDS)] = []

    @property
    def content_checksum(self) -> str:
        content = self.model_dump(mode="json", include={"title", "description", "objects", "needs"})
        return checksum_of(content)

    @property
    def purpose(self) -> str:
        """In the active language."""
        return word(self.description)

    def to_json(self) -> str:
        signed = self.model_dump(mode="json") | {"checksum": self.content_checksum}
        return json.dumps(signed, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def checksum_of(content: Mapping[str, Any]) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def read(content: bytes | str) -> Package:
    """Raises CommandRefused whose sentence says what is wrong with the file, and what to do."""
    try:
        value = load(content)
    except OddJson as error:
        raise _refused("not_a_package", str(error)) from None
    if not isinstance(value, dict) or not isinstance(value.get("format"), int):
        raise _refused("not_a_package", _("This is no package: its format number is missing. Export it again."))
    if value["format"] > FORMAT:
        sentence = _("This package has format %(its)s, and this product reads up to %(ours)s. Bring this product up to "
                     "%(product)s first, or export the package from an older one.")  # fmt: skip
        product = str(value.get("product", ""))[:40] or "?"
        raise _refused("newer_format", sentence % {"its": value["format"], "ours": FORMAT, "product": product})
    try:
        package = Package.model_validate(value)
    except ValidationError as error:
        places = [f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}" for e in error.errors()[:5]]
        raise _refused(
            "not_a_package", _("This is no package: %(places)s. Export it again.") % {"places": "; ".join(places)}
        ) from None
    if package.checksum != package.content_checksum:
        raise _refused(
            "damaged",
            _("The package is damaged or was changed by hand: its checksum does not fit. Export it again."),
        )
    return package


def _refused(code: str, sentence: str) -> CommandRefused:
    return CommandRefused(code, sentence)
