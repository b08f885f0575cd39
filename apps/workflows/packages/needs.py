"""What workflows and rules name of the plant: looked for, told to another plant, created when missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.utils.translation import gettext_lazy as _
from pydantic import TypeAdapter

from apps.core.commands import Context
from apps.plant.actions import MANAGE_PEOPLE, MANAGE_PLANT, MANAGE_ROLES
from apps.plant.commands import add_reason_code, add_role, add_skill
from apps.plant.models import Purpose, ReasonCode, Role, Site, Skill, WorkCenter
from apps.workflows.definition import SYSTEM_ROLE, ConditionSpec, Texts, WhereSpec
from apps.workflows.effects import EFFECTS, FormField
from apps.workflows.packages.exportables import Content, Need, NeedKind, declare_need

_TEXTS: TypeAdapter[Texts] = TypeAdapter(Texts)
_CODES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])
_WORDS: TypeAdapter[str] = TypeAdapter(str)


def _roles(codes: Collection[str]) -> Mapping[str, Content]:
    rows = Role.objects.filter(code__in=codes).prefetch_related("actions")
    found: dict[str, Content] = {
        row.code: {
            "names": row.names,
            "description": row.description,
            "actions": sorted(action.code for action in row.actions.all()),
        }
        for row in rows
    }
    return found | {code: {} for code in codes if code == SYSTEM_ROLE}


def _add_role(context: Context, code: str, content: Content) -> None:
    """With the actions that this product knows; nobody holds the role yet."""
    add_role.within(
        context,
        code=code,
        names=_TEXTS.validate_python(content.get("names", {})),
        description=_WORDS.validate_python(content.get("description", "")),
        actions=_CODES.validate_python(content.get("actions", [])),
    )


def _skills(codes: Collection[str]) -> Mapping[str, Content]:
    return {row.code: {"name": row.name} for row in Skill.objects.filter(code__in=codes)}


def _add_skill(context: Context, code: str, content: Content) -> None:
    add_skill.within(context, code=code, name=_WORDS.validate_python(content.get("name", code)))


def _purposes(codes: Collection[str]) -> Mapping[str, Content]:
    return {code: {} for code in codes if code in Purpose.values}


def _reasons_of(purposes: Collection[str]) -> Iterable[Need]:
    rows = ReasonCode.objects.filter(purpose__in=purposes, active=True).values_list("purpose", "code")
    return [Need("reason", f"{purpose}/{code}") for purpose, code in rows]


def _reasons(codes: Collection[str]) -> Mapping[str, Content]:
    wanted = set(codes)
    rows = ReasonCode.objects.filter(purpose__in={code.partition("/")[0] for code in wanted}).select_related("parent")
    return {
        name: {"labels": row.labels, "parent": row.parent.code if row.parent else ""}
        for row in rows
        if (name := f"{row.purpose}/{row.code}") in wanted
    }


def _add_reason(context: Context, code: str, content: Content) -> None:
    purpose, _separator, own = code.partition("/")
    add_reason_code.within(
        context,
        purpose=purpose,
        code=own,
        labels=_TEXTS.validate_python(content.get("labels", {})),
        parent=_WORDS.validate_python(content.get("parent", "")),
    )


def _effects(codes: Collection[str]) -> Mapping[str, Content]:
    return {code: {} for code in codes if code in EFFECTS}


def _sites(codes: Collection[str]) -> Mapping[str, Content]:
    return {code: {} for code in Site.objects.filter(code__in=codes).values_list("code", flat=True)}


def _work_centers(codes: Collection[str]) -> Mapping[str, Content]:
    return {code: {} for code in WorkCenter.objects.filter(code__in=codes).values_list("code", flat=True)}


ROLE = declare_need(
    NeedKind(code="role", label=_("role"), found=_roles, create=_add_role, action=MANAGE_ROLES),
)
SKILL = declare_need(
    NeedKind(code="skill", label=_("skill"), found=_skills, create=_add_skill, action=MANAGE_PEOPLE),
)
PURPOSE = declare_need(
    NeedKind(code="reason_purpose", label=_("purpose of reasons"), found=_purposes, parts=_reasons_of),
)
REASON = declare_need(
    NeedKind(code="reason", label=_("reason code"), found=_reasons, create=_add_reason, action=MANAGE_PLANT),
)
EFFECT = declare_need(NeedKind(code="effect", label=_("effect"), found=_effects))
SITE = declare_need(NeedKind(code="site", label=_("site"), found=_sites))
WORK_CENTER = declare_need(NeedKind(code="work_center", label=_("line"), found=_work_centers))


def needs_of_places(wheres: Iterable[WhereSpec]) -> Iterable[Need]:
    for where in wheres:
        yield from (Need(SITE.code, code) for code in [where.site] if code)
        yield from (Need(WORK_CENTER.code, code) for code in [where.line] if code)


def needs_of_conditions(conditions: Iterable[ConditionSpec], codes_of: Mapping[str, str]) -> Iterable[Need]:
    """What they compare with: `codes_of` says of which fields the values are codes, and of what."""
    for condition in conditions:
        kind = codes_of.get(condition.field)
        values = condition.value if isinstance(condition.value, list) else [condition.value]
        if kind:
            yield from (Need(kind, value) for value in values if isinstance(value, str) and value)


def needs_of_effect(code: str, parameters: Mapping[str, object]) -> Iterable[Need]:
    """The effect, and what its form picks from the plant's own."""
    yield Need(EFFECT.code, code)
    known = EFFECTS.get(code)
    for name, field in known.parameters.model_fields.items() if known else ():
        choose, value = FormField.of(field).choose, parameters.get(name)
        values = value if isinstance(value, list) else [value]
        if choose:
            yield from (Need(str(choose), one) for one in values if isinstance(one, str) and one)
