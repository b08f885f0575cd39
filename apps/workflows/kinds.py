"""What runs on workflows: each kind of item is declared in code by the app that owns it, in its `kinds.py`.

    JOB_ORDER = declare(Kind(code="job_order", label=_("job order"), model_name="orders.JobOrder", ...))

The kind holds what no engineer can configure away: the statuses, the moves between them, and the invariants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict

from django.apps import apps
from django.db import models
from django_stubs_ext import StrOrPromise

from apps.core.commands import Context
from apps.core.rights import Action, Scope

if TYPE_CHECKING:
    from apps.workflows.models import WorkflowItem


class ValueType(StrEnum):
    """Of a guard field: what its getter gives, None apart."""

    NUMBER = "number"  # Decimal, int or float
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "time"  # aware datetime
    NUMBERS = "numbers"
    TEXTS = "texts"


@dataclass(frozen=True, kw_only=True)
class GuardField:
    """One fact about an item that a guard may ask for; `read(item)` gives a plain value, never a row.

    codes_of  its values are codes of this kind of the plant's own things ("exception_type"), as packages call it
    """

    type: ValueType
    label: StrOrPromise
    read: Callable[[Any], Any]
    codes_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One step along an edge, told to invariants and hooks; `requires` names the inputs that the edge insists on."""

    edge: str
    from_state: str
    to_state: str
    from_status: str
    to_status: str
    version_id: int
    requires: frozenset[str]
    from_phase: str = ""
    to_phase: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why an invariant says no; the fields are those of CommandRefused."""

    code: str
    sentence: str
    owner: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Warrant:
    """What a signed step gives to fire(), which reads the rows themselves: the signatures, and whether what is broken
    may be passed over.
    """

    step_id: int


# Reads only. `inputs` is empty when a screen asks what would be possible: judge then by what the item itself says.
Invariant = Callable[[Any, Move, Context, Mapping[str, Any]], Refusal | None]
# Of the kind's own command: context, item id, edge, what was entered, and the signatures that warrant it.
Take = Callable[[Context, int, str, Mapping[str, Any], "Warrant"], Any]
Hook = Callable[[Any, Move, Context, Mapping[str, Any]], None]
Partners = Callable[[Any, datetime], Collection[int]]


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What an item is called, and what became of it after a moment of the past: pieces scrapped, in `unit`, and why."""

    name: str
    place: str = ""
    scrap: Decimal = Decimal(0)
    unit: str = ""
    sentence: str = ""


class ItemStory(TypedDict):
    """What all events about one item have alike; see apps.workflows.events.OfItem."""

    subject_id: int
    site_id: int | None
    thread: str
    erp_reference: str
    item_kind: str


# One answer for each (item id, moment), in their order; in few queries, whatever their number.
Aftermaths = Callable[[Sequence[tuple[int, datetime]]], Sequence[Aftermath | None]]


def _nothing(item: Any) -> Any:  # noqa: ARG001
    return None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    code, label   "job_order", what people call it; code is the ledger's subject kind too
    model_name    "orders.JobOrder", a WorkflowItem
    statuses      fixed in code; initial, final and held ones among them
    abandoned     the final statuses that end an item without its work done: gates are not needed on the way there
    running_statuses  those in which a state may name its phase: set-up, or run
    stop_statuses     those in which a state may say that the machine has stopped it
    moves         from status -> statuses allowed next; staying in a status is always allowed
    permission    the action every edge needs at `scope(item)`, besides the edge's own roles
    fields        the facts that guards may use
    own_inputs    names that the kind's own commands may hand to invariants and hooks besides what the edge asks for;
                  they are neither checked nor recorded here
    invariants    what must hold for a move, whatever the workflow says
    prepare       run before the row is saved: set fields of the item here (one UPDATE, one history row)
    on_move       run after the row is saved, in the same transaction
    thread, topics, site_id, erp_reference   of an item, for the ledger and the live screens
    take          the way in which people take an edge, when more belongs to it than fire(); None: nobody signs here, or
                  passes over what is broken
    is_signed     whether its steps may ask for signatures
    aftermath     what became of items after moments of the past, for who tries out a workflow on them
    partners      ids of those who work together with whoever acts on an item, at an instant; None: nobody does here
    known         what `applies_to` names besides places: which of the given codes there are (item, customer)
    line          the field that names an item's work center; empty where it has none
    reads         relations that these, the scope and most guards go over: they come with the item, in one query
    """

    code: str
    label: StrOrPromise
    model_name: str
    statuses: type[models.TextChoices]
    initial_statuses: AbstractSet[str]
    final_statuses: AbstractSet[str]
    moves: Mapping[str, AbstractSet[str]]
    permission: Action
    scope: Callable[[Any], Scope]
    held_statuses: AbstractSet[str] = frozenset()
    running_statuses: AbstractSet[str] = frozenset()
    stop_statuses: AbstractSet[str] = frozenset()
    abandoned: AbstractSet[str] = frozenset()
    fields: Mapping[str, GuardField] = field(default_factory=dict)
    own_inputs: AbstractSet[str] = frozenset()
    invariants: Sequence[Invariant] = ()
    prepare: Sequence[Hook] = ()
    on_move: Sequence[Hook] = ()
    thread: Callable[[Any], str] = lambda item: ""  # noqa: ARG005
    topics: Callable[[Any], Collection[str]] = lambda item: ()  # noqa: ARG005
    site_id: Callable[[Any], int | None] = _nothing
    erp_reference: Callable[[Any], str] = lambda item: ""  # noqa: ARG005
    take: Take | None = None
    is_signed: bool = True
    partners: Partners | None = None
    aftermath: Aftermaths | None = None
    known: Mapping[str, Callable[[Collection[str]], AbstractSet[str]]] = field(default_factory=dict)
    line: str = ""
    reads: Sequence[str] = ()

    @property
    def model(self) -> type[WorkflowItem]:
        found: type[WorkflowItem] = apps.get_model(self.model_name)
        return found

    def story(self, item: Any) -> ItemStory:
        return ItemStory(
            subject_id=item.pk,
            site_id=self.site_id(item),
            thread=self.thread(item),
            erp_reference=self.erp_reference(item),
            item_kind=self.code,
        )

    def allows(self, from_status: str, to_status: str) -> bool:
        return from_status == to_status or to_status in self.moves.get(from_status, frozenset())


KINDS: dict[str, Kind] = {}
_by_model: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    if kind.code in KINDS or kind.model_name.lower() in _by_model:
        raise ValueError(f"kind {kind.code} ({kind.model_name}) is declared twice")
    KINDS[kind.code] = _by_model[kind.model_name.lower()] = kind
    return kind


def kind_of(model: type[models.Model]) -> Kind:
    """Raises LookupError for a model that no kind names."""
    try:
        return _by_model[model._meta.label_lower]
    except KeyError:
        raise LookupError(f"{model._meta.label} is no declared kind: call apps.workflows.kinds.declare()") from None
