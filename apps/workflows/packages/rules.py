"""Rules as a part of packages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from apps.core import clock
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.events import EVENTS
from apps.workflows.definition import places_of
from apps.workflows.packages.exportables import Content, Exportable, Need, declare_exportable
from apps.workflows.packages.needs import needs_of_conditions, needs_of_effect, needs_of_places
from apps.workflows.rules.commands import draft_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.facts import facts_of
from apps.workflows.rules.models import RuleVersion


def _written(content: Any) -> Content:
    """As this product writes it, whenever it was saved."""
    return RuleSpec.model_validate(content).model_dump(mode="json")


def _picked(ids: Collection[int]) -> list[Content]:
    rows = RuleVersion.objects.filter(pk__in=ids).order_by("rule__code", "-number")
    return [_written(version.content) for version in rows]


def _in_force(code: str) -> Content | None:
    version = RuleVersion.objects.in_force(at=clock.now()).filter(rule__code=code).first()
    return _written(version.content) if version else None


def _drafted(code: str, checksum: str) -> int | None:
    found = RuleVersion.objects.filter(rule__code=code, checksum=checksum).order_by("-number").first()
    return found.pk if found else None


def _read(content: Any) -> Content:
    try:
        return _written(content)
    except ValidationError as error:
        raise CommandRefused("not_a_rule", places_of(error)) from None


def _needs(content: Content) -> Iterable[Need]:
    spec = RuleSpec.model_validate(content)
    facts = facts_of(spec.event).values() if spec.event in EVENTS else ()
    yield from needs_of_conditions(spec.conditions, {fact.name: fact.codes_of for fact in facts})
    for action in spec.actions:
        yield from needs_of_effect(action.code, action.parameters)
    yield from needs_of_places(spec.scope)


def _draft(context: Context, content: Content) -> int:
    return draft_rule.within(context, spec=RuleSpec.model_validate(content))


def _address(version_id: int) -> str:
    if not admin.site.is_registered(RuleVersion):
        return ""
    return reverse("admin:workflows_ruleversion_change", args=[version_id])


RULE = declare_exportable(
    Exportable(
        code="rule",
        label=_("rule"),
        picked=_picked,
        in_force=_in_force,
        drafted=_drafted,
        code_of=lambda content: str(content["code"]),
        name_of=lambda content: str(content["name"]),
        checksum_of=lambda content: RuleSpec.model_validate(content).checksum,
        needs_of=_needs,
        read=_read,
        draft=_draft,
        address=_address,
    )
)
