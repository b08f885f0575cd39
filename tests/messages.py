"""`make messages`: every sentence of the product into locale/de, and its German into the file that the product reads.

A machine that runs the product needs none of this: the .mo lies beside the .po in the repository.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from tests.environment import BASE_DIR

LANGUAGE = "de"
PO = BASE_DIR / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
KEYWORDS = ["_", "_now", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"]
# No times in the files: two branches that change sentences would differ in nothing else.
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")


def sources() -> Iterator[tuple[Path, str]]:
    """Each file that may hold sentences, as Python source."""
    for file in sorted(BASE_DIR.glob("apps/**/*.py")) + sorted(BASE_DIR.glob("mfgos/**/*.py")):
        if "migrations" not in file.parts:
            yield file, file.read_text(encoding="utf-8")
    for file in sorted(BASE_DIR.glob("templates/**/*.html")):
        source = templatize(file.read_text(encoding="utf-8"), origin=str(file))
        # Without the indentation of the page: what is left of it is no block of Python.
        yield file, "\n".join(line.lstrip() for line in source.splitlines())


def extracted() -> Catalog:
    catalog = new_catalog()
    for file, text in sources():
        source = io.BytesIO(text.encode())
        for _line, function, found, _comments in extract_python(source, KEYWORDS, [], {"encoding": "utf-8"}):
            singular, plural = found[:2] if isinstance(found, tuple) else (found, None)
            if singular:
                is_plural = function is not None and function.startswith("ngettext")
                catalog.add((singular, plural) if is_plural else singular, locations=[(name_of(file), None)])
    return catalog


def name_of(file: Path) -> str:
    return file.relative_to(BASE_DIR).as_posix()


def new_catalog() -> Catalog:
    return Catalog(
        locale=LANGUAGE,
        domain="django",
        project="mfgos",
        version="1",
        msgid_bugs_address="",
        last_translator="mfgos",
        language_team="mfgos",
        header_comment="# German words of the product. `make messages` brings it up to date.",
        creation_date=NO_TIME,
        revision_date=NO_TIME,
        fuzzy=False,
    )


def stored() -> Catalog:
    if not PO.exists():
        return new_catalog()
    with PO.open("rb") as file:
        return read_po(file, locale=LANGUAGE, domain="django")


def merged() -> Catalog:
    """What the sources say now, with the German that is there already."""
    known, catalog = stored(), new_catalog()
    for message in extracted():
        if message.id:
            old = known.get(message.id if isinstance(message.id, str) else message.id[0])
            catalog.add(message.id, old.string if old else None, locations=message.locations)
    return catalog


def as_po(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=120, sort_output=True, include_lineno=False)
    return out.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id and not all(strings_of(message))]


def strings_of(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, list | tuple) else [message.string or ""]


def main() -> None:
    catalog = merged()
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(as_po(catalog))
    MO.write_bytes(as_mo(stored()))
    if missing := untranslated(catalog):
        sys.exit(f"{len(missing)} sentences have no German yet: look for empty msgstr in {name_of(PO)}.")


if __name__ == "__main__":
    main()
