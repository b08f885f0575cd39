"""Ready ways of working that come with the product, each a package in fixtures/library: drafts at one press."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from apps.workflows.packages.file import Package, read

FOLDER = settings.BASE_DIR / "fixtures" / "library"


@dataclass(frozen=True)
class Book:
    """`code` is the name of the file; nothing that anybody sends ever becomes a path."""

    code: str
    text: str
    package: Package


def books() -> dict[str, Book]:
    """By code, in the order of the folder."""
    found = {}
    for file in sorted(FOLDER.glob("*.json")):
        text = file.read_text()
        found[file.stem] = Book(file.stem, text, read(text))
    return found
