"""One workflow as a value: what the file, the editor, the checker and the compiled graph share.

    {"format": 1, "kind": "job_order", "code": "job_order", "name": "Job order",
     "states": [{"code": "waiting", "labels": {"en": "Waiting"}, "status": "waiting", "kind": "initial"}, ...],
     "edges": [{"code": "start", "labels": {...}, "sources": ["ready"], "target": "running", "roles": [...]}, ...]}

The order of states and edges is the order on screens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from django.utils import translation
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from apps.core.errors import CommandRefused
from apps.workflows.strict_json import OddJson, load, odd_parts

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
# Of what other apps name, in their own way.
Named = Annotated[str, Field(max_length=40)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-zA-Z0-9]{2,8})?$")]
Texts = dict[Language, Annotated[str, Field(max_length=1_000)]]  # language -> text

StateKind = Literal["initial", "normal", "hold", "gate", "final"]
Phase = Literal["", "set_up", "run", "stop"]
InputType = Literal["number", "choice", "text", "boolean", "lot", "photo"]
Presentation = Literal["offered", "disabled", "hidden"]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "empty", "not empty"]

# The role that no person has: only a part of the system takes an edge that names no other.
SYSTEM_ROLE = "system"

MAX_STATES = 1_000
MAX_EDGES = 5_000
MAX_PARTS = 50
MAX_PHOTOS = 3  # that one input asks for

# The name of the input that carries an edge's reason code.
REASON = "reason"


class Part(BaseModel):
    """`omitted_when_default`: what came later is written only when it says something, so that the checksums of older
    versions stay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    omitted_when_default: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        for name in self.omitted_when_default & written.keys():
            if getattr(self, name) == type(self).model_fields[name].get_default(call_default_factory=True):
                del written[name]
        return written


def checksum_of(content: Any) -> str:
    """SHA-256 of JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Document(Part):
    """What is kept as one file: canonical, so that equal content is equal bytes."""

    name: str = Field(min_length=1, max_length=120)

    @model_validator(mode="before")
    @classmethod
    def _without_odd_parts(cls, given: Any) -> Any:
        for problem in odd_parts(given):
            raise ValueError(problem)
        return given

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=2, ensure_ascii=False) + "\n"

    @property
    def checksum(self) -> str:
        """Of what it does; the name is none of it."""
        return checksum_of(self.model_dump(mode="json", exclude={"name"}))


D = TypeVar("D", bound=Document)


class StateSpec(Part):
    """`phase` tells set-up from run among the states that are Running, a stop of the machine among the suspended."""

    code: Code
    labels: Texts
    status: Named
    kind: StateKind = "normal"
    is_safe: bool = False
    phase: Phase = ""

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"phase"})


class InputSpec(Part):
    """`reason_purpose` names the reason codes a choice is made from; low and high bound a number, `unit` is shown; of
    photos there may be as many as `at_most`.
    """

    name: Code
    type: InputType
    labels: Texts
    required: bool = True
    unit: Named = ""
    low: Decimal | None = Field(default=None, max_digits=24, decimal_places=12)
    high: Decimal | None = Field(default=None, max_digits=24, decimal_places=12)
    reason_purpose: Named = ""
    at_most: int = Field(default=1, ge=1, le=MAX_PHOTOS)

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"at_most"})


class ConditionSpec(Part):
    """`field` is a field of the kind, or "inputs.name"; `sentence` is what the operator hears when it does not hold."""

    field: Annotated[str, Field(max_length=80)]
    operator: Operator
    value: JsonValue = None
    sentence: Texts


class EffectSpec(Part):
    """One thing that follows in the same transaction: a code of the registry (apps.workflows.effects), and its form."""

    code: Named
    parameters: dict[str, JsonValue] = {}


class SignatureSpec(Part):
    """
    meaning      what is signed: "I have checked the first piece"
    signers      so many different people, each of whom may take the edge
    not_same_as  edges: who took or signed one of them for this item does not sign here
    credentials  each signer gives badge and PIN (or password) again
    """

    meaning: Texts
    signers: int = Field(default=1, ge=1, le=5)
    not_same_as: list[Code] = []
    credentials: bool = True


class WhereSpec(Part):
    """New items that a workflow is for, by codes; what is empty matters not, and all that is given has to fit."""

    site: Annotated[str, Field(max_length=80)] = ""
    line: Annotated[str, Field(max_length=80)] = ""
    item: Annotated[str, Field(max_length=80)] = ""
    customer: Annotated[str, Field(max_length=200)] = ""


class EdgeSpec(Part):
    """
    roles         any of them suffices; empty: everybody whom the kind's own permission lets
    skills        all of them are needed
    expression    CEL, on the kind's fields by name and on `inputs`; `expression_sentence` says why not
    reason        a coded one when `reason_purpose` names which, else typed
    presentation  how a screen shows the edge while it is not possible: the button answers, is grey, or is not there
    at_most       how often one item may take it; None: without a limit
    partner_suffices  skills that the one who takes it lacks may be those of one partner who works together with them
    """

    code: Code
    labels: Texts
    sources: list[Code] = Field(min_length=1, max_length=MAX_STATES)
    target: Code
    roles: list[Named] = Field(default=[], max_length=MAX_PARTS)
    skills: list[Named] = Field(default=[], max_length=MAX_PARTS)
    conditions: list[ConditionSpec] = Field(default=[], max_length=MAX_PARTS)
    expression: Annotated[str, Field(max_length=500)] = ""
    expression_sentence: Texts = {}
    inputs: list[InputSpec] = Field(default=[], max_length=MAX_PARTS)
    reason_required: bool = False
    reason_purpose: Named = ""
    presentation: Presentation = "disabled"
    effects: list[EffectSpec] = Field(default=[], max_length=MAX_PARTS)
    signature: SignatureSpec | None = None
    at_most: int | None = Field(default=None, ge=1, le=1_000)
    partner_suffices: bool = False

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"at_most", "partner_suffices"})

    @property
    def all_inputs(self) -> list[InputSpec]:
        """With the edge's reason as an input like the others."""
        if not (self.reason_required or self.reason_purpose):
            return self.inputs
        reason = InputSpec(
            name=REASON,
            type="choice" if self.reason_purpose else "text",
            labels={"en": "Reason", "de": "Grund"},
            required=self.reason_required,
            reason_purpose=self.reason_purpose,
        )
        return [reason, *self.inputs]


class Definition(Document):
    """`applies_to`: new items of the kind that start on this workflow; none: all that no other workflow names."""

    format: Literal[1] = 1
    kind: Code
    code: Code
    states: list[StateSpec] = Field(max_length=MAX_STATES)
    edges: list[EdgeSpec] = Field(max_length=MAX_EDGES)
    applies_to: list[WhereSpec] = Field(default=[], max_length=MAX_PARTS)

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"applies_to"})

    @model_validator(mode="after")
    def _sources_in_order(self) -> Self:
        """Rows give sources back in the order of the states, so a file's own order must not count."""
        order = {state.code: position for position, state in enumerate(self.states)}
        for edge in self.edges:
            edge.sources.sort(key=lambda code: order.get(code, len(order)))
        return self


def parse(text: str | bytes) -> Definition:
    return parse_as(Definition, text)


def parse_as(document: type[D], text: str | bytes) -> D:
    """Raises CommandRefused whose sentence names the places that are wrong."""
    try:
        return document.model_validate(load(text))
    except OddJson as error:
        raise CommandRefused("not_a_definition", str(error)) from None
    except ValidationError as error:
        facts = {"errors": error.error_count()}
        raise CommandRefused("not_a_definition", places_of(error), facts=facts) from None


def places_of(error: ValidationError) -> str:
    """The places that are wrong, as far as eight of them, in words."""
    return "; ".join(f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}" for e in error.errors()[:8])


def word(texts: Mapping[str, Any], otherwise: str = "") -> str:
    """The text in the active language, or in English, or in any."""
    return word_in(active_language(), texts, otherwise)


def active_language() -> str:
    """Its code, without the country."""
    return (translation.get_language() or "en").split("-")[0]


def word_in(language: str, texts: Mapping[str, Any], otherwise: str = "") -> str:
    """The same, in a language that is named without its country."""
    found = texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
    return str(found or otherwise)
