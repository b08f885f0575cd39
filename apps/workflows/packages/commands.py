"""A way of working leaves a plant as one file, and comes into another as drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import ValidationError

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.workflows import people
from apps.workflows.actions import EDIT, VIEW
from apps.workflows.models import PackageOrigin
from apps.workflows.packages.events import PackageExported, PackageImported
from apps.workflows.packages.exportables import EXPORTABLES, NEED_KINDS, Content, Need, needs_of
from apps.workflows.packages.file import Exported, Package, PackedNeed, PackedObject, read
from apps.workflows.packages.preview import Lacking, Line, preview


@dataclass(frozen=True)
class Imported:
    """`drafts`: "workflow:job_order" -> the id of the new version; `created`: "role:inspector"."""

    drafts: dict[str, int] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)


@command("workflows.export_package")
def export_package(context: Context, *, title: str, picked: Mapping[str, list[int]]) -> str:
    """The text of the file. `picked`: kind of thing -> ids of its versions.

    Things that these need come along as the plant runs by them now; of what they name, only what the plant has.
    """
    context.allow(VIEW, at=EVERYWHERE)
    objects = [
        (kind, content)
        for kind, ids in picked.items()
        if kind in EXPORTABLES
        for content in EXPORTABLES[kind].picked(ids)
    ]
    if not objects:
        context.refuse("nothing_picked", _("Tick at least one version to export."))
    keys = [_key(kind, content) for kind, content in objects]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        context.refuse("twice", _("Tick one version of %(thing)s, not several.") % {"thing": twice})
    objects += _brought_along(objects)
    package = Package(
        product=settings.PRODUCT_VERSION,
        exported=Exported(at=context.now.isoformat(timespec="seconds"), by=people.person_name(context.actor.person_id)),
        title=title.strip()[:120] or keys[0],
        objects=[PackedObject(kind=kind, content=dict(content)) for kind, content in objects],
        needs=_told(needs_of(objects)),
    )
    context.record(
        PackageExported(subject_id=package.content_checksum, objects=[_key(kind, content) for kind, content in objects])
    )
    return package.to_json()


@command("workflows.import_package")
def import_package(
    context: Context, *, text: FreeText, take: Sequence[str] | None = None, create: Sequence[str] = ()
) -> Imported:
    """Drafts of what the package holds, nothing of it in force; what is here already is left alone.

    take    "workflow:job_order" of those that are taken; None: all but what this plant has made its own
    create  "role:inspector" of what is missing and is to be created, by who holds the right
    """
    context.allow(EDIT, at=EVERYWHERE)
    package = read(text)
    seen = preview(package, context.actor)
    created = _create(context, {str(one.need): one for one in seen.lacking if str(one.need) in create})
    drafts = {
        line.key: _draft(context, package, line)
        for line in seen.lines
        if line.can_be_taken and (line.standing.is_taken_unasked if take is None else line.key in take)
    }
    if drafts or created:
        context.record(PackageImported(subject_id=package.checksum, drafts=drafts, created=created))
    return Imported(drafts, created)


def _key(kind: str, content: Content) -> str:
    return f"{kind}:{EXPORTABLES[kind].code_of(content)}"


def _brought_along(objects: Sequence[tuple[str, Content]]) -> list[tuple[str, Content]]:
    """Governed things that others name (a rule its workflow), and what these name in turn."""
    known = {_key(kind, content) for kind, content in objects}
    found: list[tuple[str, Content]] = []
    todo = list(objects)
    while todo:
        kind, content = todo.pop()
        for need in EXPORTABLES[kind].needs_of(content):
            if need.kind not in EXPORTABLES or str(need) in known:
                continue
            known.add(str(need))
            own = EXPORTABLES[need.kind].in_force(need.code)
            if own is not None:
                found.append((need.kind, own))
                todo.append((need.kind, own))
    return found


def _told(needs: Sequence[Need]) -> list[PackedNeed]:
    told = []
    for kind, known in NEED_KINDS.items():
        asked = [need.code for need in needs if need.kind == kind]
        found = known.found(asked)
        told += [PackedNeed(kind=kind, code=code, content=dict(found.get(code, {}))) for code in asked]
    return told


def _draft(context: Context, package: Package, line: Line) -> int:
    draft_id = line.exportable.draft(context, line.content)
    PackageOrigin.objects.update_or_create(
        kind=line.exportable.code,
        code=line.code,
        defaults={
            "checksum": line.checksum,
            "in_force_checksum": line.in_force_checksum,
            "package_checksum": package.checksum,
            "title": package.title,
            "draft_id": draft_id,
            "imported_at": context.now,
            "imported_by_id": context.actor.person_id,
        },
    )
    return draft_id


def _create(context: Context, asked: Mapping[str, Lacking]) -> list[str]:
    """What others are part of comes first."""
    created: list[str] = []
    for key, lacking in sorted(asked.items(), key=lambda one: (bool(one[1].content.get("parent")), one[0])):
        kind = NEED_KINDS[lacking.need.kind]
        if kind.create is None:
            context.refuse("not_creatable", lacking.sentence)
        if kind.action is not None:
            context.allow(kind.action, at=EVERYWHERE)
        try:
            kind.create(context, lacking.need.code, lacking.content)
        except ValidationError:
            context.refuse(
                "not_valid", _("%(thing)s can't be created from what the package says of it.") % {"thing": key}
            )
        created.append(key)
    return created
