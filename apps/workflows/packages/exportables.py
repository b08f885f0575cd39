"""What a package may hold, declared by the app that owns it, in its `exportables.py`.

    declare_exportable(Exportable(code="workflow", ...))    governed things: they are imported as drafts
    declare_need(NeedKind(code="skill", ...))               what these name, and a plant has or lacks

Everything is known by codes that mean the same at another plant, never by ids.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django_stubs_ext import StrOrPromise

from apps.core.commands import Context
from apps.core.rights import Action

# Plain JSON values.
Content = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Need:
    """One thing that something else names: ("role", "operator"), ("reason", "pause/break")."""

    kind: str
    code: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.code}"


@dataclass(frozen=True, kw_only=True)
class Exportable:
    """
    picked      versions that were ticked in a list -> their contents; ids that are not there are left out
    in_force    code -> what the plant runs by, None when it has none in force
    drafted     code, checksum -> the id of a version of just this content that is there, whatever became of it
    code_of, name_of, checksum_of, needs_of     of a content
    read        checks a content and gives it back as the plant would write it; raises CommandRefused
    draft       within a command: a new draft; gives its id
    address     of the page of that draft
    """

    code: str
    label: StrOrPromise
    picked: Callable[[Collection[int]], list[Content]]
    in_force: Callable[[str], Content | None]
    drafted: Callable[[str, str], int | None]
    code_of: Callable[[Content], str]
    name_of: Callable[[Content], str]
    checksum_of: Callable[[Content], str]
    needs_of: Callable[[Content], Iterable[Need]]
    read: Callable[[Any], Content]
    draft: Callable[[Context, Content], int]
    address: Callable[[int], str]


@dataclass(frozen=True, kw_only=True)
class NeedKind:
    """
    found    codes -> those that the plant has, each with what tells another plant how to make it
    parts    what one of them brings along: the reason codes of a purpose
    create   within a command: makes one that is missing; None: it comes with the product, or from elsewhere
    action   that creating asks for, so that a page can say who may
    """

    code: str
    label: StrOrPromise
    found: Callable[[Collection[str]], Mapping[str, Content]]
    parts: Callable[[Collection[str]], Iterable[Need]] = lambda codes: ()  # noqa: ARG005
    create: Callable[[Context, str, Content], None] | None = None
    action: Action | None = None


EXPORTABLES: dict[str, Exportable] = {}
NEED_KINDS: dict[str, NeedKind] = {}


def declare_exportable(made: Exportable) -> Exportable:
    if EXPORTABLES.setdefault(made.code, made) is not made or made.code in NEED_KINDS:
        raise ValueError(f"exportable {made.code} is declared twice")
    return made


def declare_need(made: NeedKind) -> NeedKind:
    if NEED_KINDS.setdefault(made.code, made) is not made or made.code in EXPORTABLES:
        raise ValueError(f"need {made.code} is declared twice")
    return made


def needs_of(objects: Iterable[tuple[str, Content]]) -> list[Need]:
    """Of (exportable, content): all that these name and is no object itself, with what that brings along; in order."""
    needs: set[Need] = {
        need for kind, content in objects for need in EXPORTABLES[kind].needs_of(content) if need.kind in NEED_KINDS
    }
    for kind, known in NEED_KINDS.items():
        needs |= set(known.parts([need.code for need in needs if need.kind == kind]))
    return sorted(needs)
