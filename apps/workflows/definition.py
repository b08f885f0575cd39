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

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Texts = dict[str, str]  # language -> text

StateKind = Literal["initial", "normal", "hold", "gate", "final"]
Phase = Literal["", "set_up", "run", "stop"]
InputType = Literal["number", "choice", "text", "boolean", "lot"]
Presentation = Literal["offered", "disabled", "hidden"]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "empty", "not empty"]

# The role that no person has: only a part of the system takes an edge that names no other.
SYSTEM_ROLE = "system"

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


class Document(Part):
    """What is kept as one file: canonical, so that equal content is equal bytes."""

    name: str = Field(min_length=1, max_length=120)

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=2, ensure_ascii=False) + "\n"

    @property
    def checksum(self) -> str:
        """SHA-256 of what it does; the name is none of it."""
        content = self.model_dump(mode="json", exclude={"name"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


D = TypeVar("D", bound=Document)


class StateSpec(Part):
    """`phase` tells set-up from run among the states that are Running, a stop of the machine among the suspended."""

    code: Code
    labels: Texts
    status: str
    kind: StateKind = "normal"
    is_safe: bool = False
    phase: Phase = ""

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"phase"})


class InputSpec(Part):
    """`reason_purpose` names the reason codes a choice is made from; low and high bound a number, `unit` is shown."""

    name: Code
    type: InputType
    labels: Texts
    required: bool = True
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    reason_purpose: str = ""


class ConditionSpec(Part):
    """`field` is a field of the kind, or "inputs.name"; `sentence` is what the operator hears when it does not hold."""

    field: str
    operator: Operator
    value: JsonValue = None
    sentence: Texts


class EffectSpec(Part):
    """One thing that follows in the same transaction: a code of the registry (apps.workflows.effects), and its form."""

    code: str
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

    site: str = ""
    line: str = ""
    item: str = ""
    customer: str = ""


class EdgeSpec(Part):
    """
    roles         any of them suffices; empty: everybody whom the kind's own permission lets
    skills        all of them are needed
    expression    CEL, on the kind's fields by name and on `inputs`; `expression_sentence` says why not
    reason        a coded one when `reason_purpose` names which, else typed
    presentation  how a screen shows the edge while it is not possible: the button answers, is grey, or is not there
    at_most       how often one item may take it; None: without a limit
    """

    code: Code
    labels: Texts
    sources: list[Code] = Field(min_length=1)
    target: Code
    roles: list[str] = []
    skills: list[str] = []
    conditions: list[ConditionSpec] = []
    expression: str = ""
    expression_sentence: Texts = {}
    inputs: list[InputSpec] = []
    reason_required: bool = False
    reason_purpose: str = ""
    presentation: Presentation = "disabled"
    effects: list[EffectSpec] = []
    signature: SignatureSpec | None = None
    at_most: int | None = Field(default=None, ge=1, le=1_000)

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"at_most"})

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
    states: list[StateSpec]
    edges: list[EdgeSpec]
    applies_to: list[WhereSpec] = []

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
        return document.model_validate_json(text)
    except ValidationError as error:
        places = [f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}" for e in error.errors()[:8]]
        raise CommandRefused("not_a_definition", "; ".join(places), facts={"errors": error.error_count()}) from None


def word(texts: Mapping[str, Any], otherwise: str = "") -> str:
    """The text in the active language, or in English, or in any."""
    language = (translation.get_language() or "en").split("-")[0]
    found = texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
    return str(found or otherwise)
