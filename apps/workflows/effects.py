"""What may follow from an edge or a rule: effects, declared in code by the app that does them, in its `effects.py`.

    class Parameters(EffectParameters):
        role: str = parameter(_("role"), choose=Choice.ROLE)
        text: Texts = parameter(_("what to say"))

    @effect("notify", _("Tell a role"), Parameters, needs={"work_center_id"})
    def notify(context: Context, occasion: Occasion, parameters: Parameters) -> None: ...

An effect writes rows within the running transaction, outbox rows included; the outside world is served after the
commit. Configuration names an effect and fills in its form; it never reaches Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from apps.core.commands import Context
from apps.workflows.surroundings import Surroundings


class Choice(StrEnum):
    """What a parameter is picked from; the editor lists the plant's own."""

    ROLE = "role"
    SKILL = "skill"
    REASON_PURPOSE = "reason_purpose"
    EXCEPTION_TYPE = "exception_type"
    NONE = ""


class EffectParameters(BaseModel):
    """Base of the typed form of an effect: plain values only."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class FormField:
    """What the editor reads of a parameter, besides its type and limits.

    Kept as pydantic's json_schema_extra, which it may call: a schema has no room for a label of no language yet.
    """

    label: StrOrPromise
    choose: Choice = Choice.NONE

    def __call__(self, schema: dict[str, Any]) -> None:
        """Adds nothing to it."""

    @classmethod
    def of(cls, info: FieldInfo) -> FormField:
        said = info.json_schema_extra
        return said if isinstance(said, cls) else cls("")


def parameter(label: StrOrPromise, default: Any = ..., *, choose: Choice = Choice.NONE, **limits: Any) -> Any:
    """A field of the form; `limits` as of pydantic's Field (ge, le, max_length)."""
    return Field(default, json_schema_extra=FormField(label, choose), **limits)


P = TypeVar("P", bound=EffectParameters)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Why an effect happens, and around what.

    because     names the step or the rule, in the plant's language
    source      names it for good: "edge:job_order.start", "rule:three_defects"
    event_id    of the ledger event that it follows, and what that says
    since       how far back that reaches which a rule has counted for it; None: it counts nothing
    """

    because: str
    source: str = ""
    event_id: int
    event_kind: str
    subject_kind: str
    subject_id: str
    data: Mapping[str, Any]
    around: Surroundings
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Effect(Generic[P]):
    """`needs`: fields of Surroundings without which it can't be done; an occasion that lacks one refuses it."""

    code: str
    label: StrOrPromise
    parameters: type[P]
    apply: Callable[[Context, Occasion, P], None]
    needs: AbstractSet[str] = frozenset()


EFFECTS: dict[str, Effect[Any]] = {}


def effect(
    code: str, label: StrOrPromise, parameters: type[P], *, needs: AbstractSet[str] = frozenset()
) -> Callable[[Callable[[Context, Occasion, P], None]], Effect[P]]:
    def register(apply: Callable[[Context, Occasion, P], None]) -> Effect[P]:
        made = Effect(code=code, label=label, parameters=parameters, apply=apply, needs=needs)
        if EFFECTS.setdefault(code, made) is not made:
            raise ValueError(f"effect {code} is declared twice")
        return made

    return register


class EffectFailed(Exception):
    """An effect that can't be done; the words are for the engineer."""


def parameters_of(code: str, given: Mapping[str, Any]) -> EffectParameters:
    """Raises EffectFailed, whose words name the parameters that are wrong."""
    found = EFFECTS.get(code)
    if found is None:
        known = ", ".join(sorted(EFFECTS)) or _("none")
        raise EffectFailed(_("there is no effect %(code)s; known: %(known)s") % {"code": code, "known": known})
    try:
        parameters: EffectParameters = found.parameters.model_validate(dict(given))
    except ValidationError as error:
        wrong = [f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}" for e in error.errors()[:5]]
        raise EffectFailed(f"{found.label}: {'; '.join(wrong)}") from None
    return parameters


def apply_effect(context: Context, occasion: Occasion, code: str, given: Mapping[str, Any]) -> None:
    """Raises EffectFailed, or CommandRefused by the command that the effect calls."""
    parameters = parameters_of(code, given)
    found = EFFECTS[code]
    missing = sorted(name for name in found.needs if not getattr(occasion.around, name))
    if missing:
        raise EffectFailed(
            _("%(effect)s: the event is about no %(things)s")
            % {"effect": found.label, "things": ", ".join(name.removesuffix("_id") for name in missing)}
        )
    found.apply(context, occasion, parameters)
