"""What a state, an edge or a rule says, field by field, in lines that an engineer reads: for comparisons and titles."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later
from django.utils.translation import ngettext
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from apps.workflows.definition import (
    ConditionSpec,
    EffectSpec,
    InputSpec,
    SignatureSpec,
    Texts,
    WhereSpec,
    word,
)
from apps.workflows.effects import EFFECTS, FormField
from apps.workflows.kinds import KINDS
from apps.workflows.models.versions import Phases, Presentations, StateKinds
from apps.workflows.studio.choices import labels


@dataclass(frozen=True)
class Names:
    """What people call the codes of the plant; a code that is not there is shown as it is."""

    roles: Mapping[str, str] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """`name` is the field's own, `what` the word for it."""

    name: str
    what: str
    lines: list[str]


Teller = Callable[[Any, "Telling"], list[str]]
# What tells nothing of what it says: what it is known by, and how it is written down.
UNTOLD = frozenset({"code", "format"})


@dataclass(frozen=True)
class Telling:
    """`states`: their labels by code; `own`: words for fields that mean something else here, or are only here."""

    kind: str = ""
    names: Names = field(default_factory=Names)
    states: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, tuple[Any, Teller]] = field(default_factory=dict)

    def tell(self, spec: BaseModel) -> dict[str, Told]:
        """By field, in the order of the fields; a field that says nothing has no lines. The code is none of it."""
        told: dict[str, Told] = {}
        for name in type(spec).model_fields:
            if name in UNTOLD:
                continue
            value = getattr(spec, name)
            words = self.own.get(name) or TELLERS.get(name)
            lines = words[1](value, self) if words and value is not None else in_full(value)
            told[name] = Told(name, str(words[0]) if words else name.replace("_", " "), lines)
        return told

    def status(self, code: str) -> str:
        kind = KINDS.get(self.kind)
        return str(dict(kind.statuses.choices).get(code, code)) if kind else code


def in_full(value: Any) -> list[str]:
    """For what has no words of its own, or whose words leave something out."""
    if isinstance(value, list):
        return [line for one in value for line in in_full(one)]
    if value in (None, "", {}):
        return []
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return [json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str)]


def _texts(texts: Texts, _telling: Telling) -> list[str]:
    return [f"{language}: {text}" for language, text in texts.items() if text]


def plainly(value: object, _telling: Telling) -> list[str]:
    return [str(value)] if value not in (None, "") else []


def _sources(codes: Sequence[str], telling: Telling) -> list[str]:
    return [telling.states.get(code, code) for code in codes]


def _target(code: str, telling: Telling) -> list[str]:
    return [telling.states.get(code, code)]


def _yes(value: bool, _telling: Telling) -> list[str]:  # noqa: FBT001
    return [_("yes")] if value else []


def _choice(labels: Mapping[str, Any]) -> Teller:
    return lambda value, telling: [str(labels.get(value, value))] if value else []  # noqa: ARG005


def _status(code: str, telling: Telling) -> list[str]:
    return [telling.status(code)]


def _roles(codes: Sequence[str], telling: Telling) -> list[str]:
    return [telling.names.roles.get(code, code) for code in codes]


def _skills(codes: Sequence[str], telling: Telling) -> list[str]:
    return [telling.names.skills.get(code, code) for code in codes]


def conditions_row_by_row(conditions: Sequence[ConditionSpec], telling: Telling) -> list[str]:
    lines: list[str] = []
    for condition in conditions:
        value = "" if condition.value is None else json.dumps(condition.value, ensure_ascii=False)
        lines.append(f"{condition.field} {condition.operator} {value}".rstrip())
        lines += [f"    {line}" for line in _texts(condition.sentence, telling)]
    return lines


def _inputs(inputs: Sequence[InputSpec], _telling: Telling) -> list[str]:
    return [_input(given) for given in inputs]


def _input(given: InputSpec) -> str:
    low, high = given.low, given.high
    parts = [f"{given.name}: {given.type}"]
    if low is not None and high is not None:
        parts.append(_("from %(low)s to %(high)s") % {"low": low, "high": high})
    elif low is not None:
        parts.append(_("from %(low)s") % {"low": low})
    elif high is not None:
        parts.append(_("up to %(high)s") % {"high": high})
    parts += [given.unit] if given.unit else []
    parts += [ngettext("up to %(n)s picture", "up to %(n)s pictures", given.at_most) % {"n": given.at_most}] * (
        given.type == "photo"
    )
    parts += [_("of the reasons for %(purpose)s") % {"purpose": given.reason_purpose}] if given.reason_purpose else []
    parts.append(_("required") if given.required else _("may stay empty"))
    parts += [f"“{text}” ({language})" for language, text in given.labels.items() if text]
    return ", ".join(parts)


def _effects(effects: Sequence[EffectSpec], _telling: Telling) -> list[str]:
    lines: list[str] = []
    for effect in effects:
        declared = EFFECTS.get(effect.code)
        lines.append(str(declared.label) if declared else effect.code)
        lines += [f"    {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in effect.parameters.items()]
    return lines


def effect_in_a_line(effect: EffectSpec) -> str:
    """In the words of its form: 'Tell a role (role: Line lead, what to say: “Look at it.”)'.

    One query for each parameter that is picked from a list of the plant's.
    """
    declared = EFFECTS.get(effect.code)
    if declared is None:
        return effect.code
    fields = declared.parameters.model_fields
    given = {name: value for name, value in effect.parameters.items() if value not in (None, "", [], {})}
    told = [_parameter(fields.get(name), name, value) for name, value in given.items()]
    return f"{declared.label} ({', '.join(told)})" if told else str(declared.label)


def _parameter(info: FieldInfo | None, name: str, value: Any) -> str:
    said = FormField.of(info) if info else FormField("")
    return f"{said.label or name}: {_given(value, labels(said.choose))}"


def _given(value: Any, called: Mapping[str, str]) -> str:
    """Of a text in several languages, that of who reads."""
    if isinstance(value, Mapping):
        return f"“{word(value)}”"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, list | tuple):
        return ", ".join(_given(one, called) for one in value)
    return called.get(str(value), str(value))


def _signature(signature: SignatureSpec, telling: Telling) -> list[str]:
    lines = _texts(signature.meaning, telling)
    lines.append(_("signers: %(n)s") % {"n": signature.signers})
    if signature.not_same_as:
        lines.append(_("not who did: %(edges)s") % {"edges": ", ".join(signature.not_same_as)})
    lines.append(_("badge and PIN again") if signature.credentials else _("without badge and PIN"))
    return lines


def places(wheres: Sequence[WhereSpec], _telling: Telling) -> list[str]:
    return [", ".join(f"{name} {code}" for name, code in where.model_dump().items() if code) or "*" for where in wheres]


TELLERS: dict[str, tuple[Any, Teller]] = {
    "name": (_later("name"), plainly),
    "applies_to": (_later("new items it is for"), places),
    "labels": (_later("label"), _texts),
    "status": (_later("fixed status"), _status),
    "kind": (_later("kind of state"), _choice(dict(StateKinds.choices))),
    "phase": (_later("phase"), _choice(dict(Phases.choices))),
    "is_safe": (_later("safe to change the version in"), _yes),
    "sources": (_later("from"), _sources),
    "target": (_later("to"), _target),
    "roles": (_later("roles"), _roles),
    "skills": (_later("skills"), _skills),
    "partner_suffices": (_later("a partner with the missing skills suffices"), _yes),
    "conditions": (_later("guard"), conditions_row_by_row),
    "expression": (_later("expression"), plainly),
    "expression_sentence": (_later("why the expression refuses"), _texts),
    "inputs": (_later("asks for"), _inputs),
    "reason_required": (_later("reason required"), _yes),
    "reason_purpose": (_later("chosen from the reasons for"), plainly),
    "presentation": (_later("while not possible"), _choice(dict(Presentations.choices))),
    "effects": (_later("effects"), _effects),
    "signature": (_later("signature"), _signature),
    "at_most": (_later("at most so often"), plainly),
}
