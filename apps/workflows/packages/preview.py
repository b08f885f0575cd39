"""What an import would do to this plant, said before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from apps.core import rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.workflows.models import PackageOrigin
from apps.workflows.packages.exportables import EXPORTABLES, NEED_KINDS, Content, Exportable, Need, needs_of
from apps.workflows.packages.file import Package, PackedNeed

MOST_DIFFERENCES = 40


class Standing(StrEnum):
    """Of one thing in a package beside the plant's own."""

    NEW = "new"
    SAME = "same"  # runs by it already
    HERE = "here"  # lies here as a draft, or as an older version
    DIFFERS = "differs"
    OVERRIDDEN = "overridden"  # the plant has published something else since it was last imported

    @property
    def is_taken_unasked(self) -> bool:
        return self in (Standing.NEW, Standing.DIFFERS)


_SENTENCES = {
    Standing.NEW: lambda: _("There is none here: it becomes a draft."),
    Standing.SAME: lambda: _("This plant runs by just this: nothing is done."),
    Standing.HERE: lambda: _("It is here already, as a draft or an older version: nothing is done."),
    Standing.DIFFERS: lambda: _("It differs from what this plant runs by: it becomes a draft."),
    Standing.OVERRIDDEN: lambda: _("This plant has changed its own since it was last imported; the change stays, "
                                   "unless you tick it: then the package's becomes a draft."),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One governed thing; `differences` from what the plant runs by, `origin` its last import."""

    exportable: Exportable
    code: str
    content: Content
    checksum: str
    in_force_checksum: str
    standing: Standing
    differences: Sequence[str]
    origin: PackageOrigin | None
    here_id: int | None

    @property
    def key(self) -> str:
        return f"{self.exportable.code}:{self.code}"

    @property
    def name(self) -> str:
        return self.exportable.name_of(self.content)

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.standing]()

    @property
    def can_be_taken(self) -> bool:
        return self.standing not in (Standing.SAME, Standing.HERE)

    @property
    def address(self) -> str:
        return self.exportable.address(self.here_id) if self.here_id else ""


@dataclass(frozen=True)
class Lacking:
    """Something that the package names, and this plant has not."""

    need: Need
    label: StrOrPromise
    content: Content
    can_be_created: bool
    sentence: str


@dataclass(frozen=True)
class Preview:
    package: Package
    lines: Sequence[Line]
    lacking: Sequence[Lacking]

    @property
    def changes_nothing(self) -> bool:
        return not any(line.can_be_taken for line in self.lines)


def preview(package: Package, actor: Actor) -> Preview:
    """Raises CommandRefused for a thing that nobody here knows, or that is none."""
    lines = [_line(EXPORTABLES.get(packed.kind), packed.kind, packed.content) for packed in package.objects]
    keys = [line.key for line in lines]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        sentence = _("The package holds %(thing)s twice. Export it again, with one version of it.")
        raise CommandRefused("twice", sentence % {"thing": twice[0]})
    return Preview(package, lines, list(_lacking(package, lines, actor)))


def _line(exportable: Exportable | None, kind: str, given: Content) -> Line:
    if exportable is None:
        known = ", ".join(sorted(EXPORTABLES))
        sentence = _("The package holds a %(kind)s, which this product does not know; known: %(known)s. Bring this "
                     "product up to date, or export it without.")  # fmt: skip
        raise CommandRefused("unknown_kind", sentence % {"kind": kind, "known": known})
    content = exportable.read(given)
    code, checksum = exportable.code_of(content), exportable.checksum_of(content)
    own = exportable.in_force(code)
    own_checksum = exportable.checksum_of(own) if own is not None else ""
    origin = PackageOrigin.objects.filter(kind=exportable.code, code=code).first()
    here_id = _here(exportable, code, checksum, origin)
    return Line(
        exportable=exportable,
        code=code,
        content=content,
        checksum=checksum,
        in_force_checksum=own_checksum,
        standing=_standing(checksum, own_checksum, origin, here_id),
        differences=differences(own, content) if own is not None else [],
        origin=origin,
        here_id=here_id,
    )


def _here(exportable: Exportable, code: str, checksum: str, origin: PackageOrigin | None) -> int | None:
    """A version of just this content; or the draft that it became, whatever was made of that since."""
    found = exportable.drafted(code, checksum)
    if found is None and origin is not None and origin.checksum == checksum:
        return origin.draft_id
    return found


def _standing(checksum: str, own_checksum: str, origin: PackageOrigin | None, here_id: int | None) -> Standing:
    if checksum == own_checksum:
        return Standing.SAME
    if origin is not None and own_checksum not in ("", origin.checksum, origin.in_force_checksum):
        return Standing.OVERRIDDEN
    if here_id is not None:
        return Standing.HERE
    return Standing.DIFFERS if own_checksum else Standing.NEW


def _lacking(package: Package, lines: Sequence[Line], actor: Actor) -> list[Lacking]:
    """What the things name counts, not only what the file says of it: a file made by hand may say nothing."""
    told = {Need(packed.kind, packed.code): packed for packed in package.needs if packed.kind in NEED_KINDS}
    needs = sorted({*told, *needs_of((line.exportable.code, line.content) for line in lines)})
    lacking = []
    for code, kind in NEED_KINDS.items():
        asked = [need for need in needs if need.kind == code]
        found = kind.found([need.code for need in asked])
        lacking += [_missing(need, told.get(need), actor) for need in asked if need.code not in found]
    return lacking


def _missing(need: Need, told: PackedNeed | None, actor: Actor) -> Lacking:
    kind = NEED_KINDS[need.kind]
    content: Mapping[str, Any] = told.content if told else {}
    may = kind.action is not None and rights.may(actor, kind.action, EVERYWHERE)
    if kind.create is None or told is None:
        sentence = _("It is missing here. The draft names it; the check will say so.")
    elif may:
        sentence = _("It is missing here, and can be created now.")
    else:
        holders = ", ".join(rights.holders(kind.action)) if kind.action else ""
        sentence = _("It is missing here. It can be created by: %(roles)s.") % {"roles": holders}
    return Lacking(need, kind.label, content, bool(kind.create and told and may), sentence)


# ---- in words


def differences(own: Any, other: Any) -> list[str]:
    """Where two contents differ, as far as MOST_DIFFERENCES: "edges start roles: [...] -> [...]"."""
    found = list(_apart(own, other, ""))
    more = len(found) - MOST_DIFFERENCES
    return found[:MOST_DIFFERENCES] + ([_("and %(n)s more") % {"n": more}] if more > 0 else [])


def _apart(own: Any, other: Any, where: str) -> list[str]:
    if own == other:
        return []
    own, other = _by_code(own), _by_code(other)
    if not (isinstance(own, dict) and isinstance(other, dict)):
        return [f"{where}: {_shown(own)} → {_shown(other)}"]
    lines: list[str] = []
    for key in [*own, *(key for key in other if key not in own)]:
        place = f"{where} {key}".strip()
        if key not in other:
            lines.append(f"- {place}: {_shown(own[key])}")
        elif key not in own:
            lines.append(f"+ {place}: {_shown(other[key])}")
        else:
            lines += _apart(own[key], other[key], place)
    return lines


def _by_code(value: Any) -> Any:
    """A list of things that have codes is compared thing by thing."""
    named = "code", "name", "field"
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        key = next((key for key in named if all(isinstance(one.get(key), str) for one in value)), None)
        if key and len({one[key] for one in value}) == len(value):
            return {one[key]: one for one in value}
    return value


def _shown(value: Any) -> str:
    text = str(value.get("code", value) if isinstance(value, dict) else value)
    return text if len(text) <= 120 else text[:119] + "…"
