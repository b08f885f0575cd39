"""Workflows as a part of packages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from apps.core import clock
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.workflows.commands import import_draft
from apps.workflows.definition import Definition, places_of
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.packages.exportables import Content, Exportable, Need, declare_exportable
from apps.workflows.packages.needs import PURPOSE, ROLE, SKILL, needs_of_conditions, needs_of_effect, needs_of_places
from apps.workflows.rows import dangling, to_definition


def _content(version: Version) -> Content:
    return to_definition(version).model_dump(mode="json")


def _picked(ids: Collection[int]) -> list[Content]:
    rows = Version.objects.filter(pk__in=ids).select_related("workflow").order_by("workflow__code", "-number")
    return [_content(version) for version in rows]


def _in_force(code: str) -> Content | None:
    version = Version.objects.in_force(at=clock.now()).filter(workflow__code=code).select_related("workflow").first()
    return _content(version) if version else None


def _drafted(code: str, checksum: str) -> int | None:
    found = Version.objects.filter(workflow__code=code, checksum=checksum).order_by("-number").first()
    return found.pk if found else None


def _read(content: Any) -> Content:
    try:
        definition = Definition.model_validate(content)
    except ValidationError as error:
        raise CommandRefused("not_a_definition", places_of(error)) from None
    problems = dangling(definition)
    if problems:
        raise CommandRefused("not_a_graph", "; ".join(problems[:8]))
    return definition.model_dump(mode="json")


def _needs(content: Content) -> Iterable[Need]:
    definition = Definition.model_validate(content)
    kind = KINDS.get(definition.kind)
    codes_of = {name: field.codes_of for name, field in kind.fields.items()} if kind else {}
    for edge in definition.edges:
        yield from needs_of_conditions(edge.conditions, codes_of)
        yield from (Need(ROLE.code, code) for code in edge.roles)
        yield from (Need(SKILL.code, code) for code in edge.skills)
        yield from (Need(PURPOSE.code, spec.reason_purpose) for spec in edge.all_inputs if spec.reason_purpose)
        for effect in edge.effects:
            yield from needs_of_effect(effect.code, effect.parameters)
    yield from needs_of_places(definition.applies_to)


def _draft(context: Context, content: Content) -> int:
    return import_draft.within(context, definition=Definition.model_validate(content))


WORKFLOW = declare_exportable(
    Exportable(
        code="workflow",
        label=_("workflow"),
        picked=_picked,
        in_force=_in_force,
        drafted=_drafted,
        code_of=lambda content: str(content["code"]),
        name_of=lambda content: str(content["name"]),
        checksum_of=lambda content: Definition.model_validate(content).checksum,
        needs_of=_needs,
        read=_read,
        draft=_draft,
        address=lambda version_id: reverse("admin:workflows_version_change", args=[version_id]),
    )
)
