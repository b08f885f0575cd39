"""What exceptions are about. The app that raises one says here how it is told, and whether its cause is still there.

    declare(CauseKind(code="shortage", label=_("shortage"), headline=..., sentence=..., is_present=...))

A lower floor asks upward through this registry; it names the thing above by kind and key only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

if TYPE_CHECKING:
    from apps.andon.models import FloorException, Problem


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What is to be raised; kind and key name the cause for the app that raises it.

    type     code of an ExceptionType        facts    for the sentence of the cause kind
    hits_at  when the first thing is hit by it, as far as is known
    at       since when; None: the context's `occurred_at`
    recurs_as  what makes it the same again; None: its key; "": that is said later (`recurrence.recur_as`)
    """

    type: str
    kind: str
    key: str
    site_id: int
    area_id: int | None = None
    work_center_id: int | None = None
    work_unit_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    thread: str = ""
    erp_reference: str = ""
    work_order_id: int | None = None
    lot_id: int | None = None
    hits_at: datetime | None = None
    at: datetime | None = None
    recurs_as: str | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.key


@dataclass(frozen=True)
class Hit:
    """One thing that is hit: an operation, a commitment, a shipment.

    at        when it is hit; None: nobody knows
    reference what people call it ("WO-10477")       sentence  for everybody; what it means to a role: concerns.py
    """

    at: datetime | None
    reference: str
    sentence: str


def _type_name(exception: FloorException) -> str:
    place = exception.work_unit or exception.work_center or exception.area
    return f"{place.code}: {exception.type}" if place else str(exception.type)


def _goes_with_the_exception(exception: FloorException) -> bool:  # noqa: ARG001
    return False


def _key(problem: Problem) -> str:
    return problem.cause_key


def _nothing(exceptions: Collection[FloorException]) -> Mapping[int, list[Hit]]:  # noqa: ARG001
    return {}


@dataclass(frozen=True, kw_only=True)
class CauseKind:
    """
    headline    in three words: "T34 stopped"          sentence   what is the matter
    sentences   in its place for one that reads the database: by id of the exception; one call for many
    is_present  whether the cause is there still: then the exception can be resolved, but not closed
    hits        by id of the exception, what each of them hits, the nearest first; one call for many
    again       what happens again and again, of a problem: "MS-40"
    """

    code: str
    label: StrOrPromise
    headline: Callable[[FloorException], str] = _type_name
    sentence: Callable[[FloorException], str] = _type_name
    sentences: Callable[[Collection[FloorException]], Mapping[int, str]] | None = None
    is_present: Callable[[FloorException], bool] = _goes_with_the_exception
    hits: Callable[[Collection[FloorException]], Mapping[int, list[Hit]]] = _nothing
    again: Callable[[Problem], str] = _key

    def told(self, exceptions: Collection[FloorException]) -> Mapping[int, str]:
        """What is the matter with each of them, all of this kind, by id."""
        if self.sentences is not None:
            return self.sentences(exceptions)
        return {exception.pk: self.sentence(exception) for exception in exceptions}


Hits = Callable[[Collection["FloorException"]], Mapping[int, list[Hit]]]
_causes: dict[str, CauseKind] = {}
_hits_from_above: dict[str, Hits] = {}


def declare(cause: CauseKind) -> CauseKind:
    if _causes.setdefault(cause.code, cause) is not cause:
        raise ValueError(f"cause {cause.code} is declared twice")
    return cause


def cause_kind(code: str) -> CauseKind:
    """One whose app is not there any more is told by its type."""
    return _causes.get(code) or CauseKind(code=code, label=_("unknown cause"))


def declare_hits(code: str, hits: Hits) -> None:
    """For an app above the one whose cause it is: what it hits is known up there only."""
    if _hits_from_above.setdefault(code, hits) is not hits:
        raise ValueError(f"hits of cause {code} are declared twice")


def sentences(exceptions: Collection[FloorException]) -> dict[int, str]:
    """What is the matter, by id; queries for each kind that needs any, not for each exception."""
    by_kind: defaultdict[str, list[FloorException]] = defaultdict(list)
    for exception in exceptions:
        by_kind[exception.cause_kind].append(exception)
    return {pk: told for code, rows in by_kind.items() for pk, told in cause_kind(code).told(rows).items()}


def kinds_that_hit() -> list[str]:
    """Codes of those that tell what they hit."""
    return sorted({code for code, kind in _causes.items() if kind.hits is not _nothing} | _hits_from_above.keys())


def hits_of(exceptions: Collection[FloorException]) -> dict[int, list[Hit]]:
    """By id of the exception, the nearest first. A fixed number of queries for each kind of cause."""
    by_kind: defaultdict[str, list[FloorException]] = defaultdict(list)
    for exception in exceptions:
        by_kind[exception.cause_kind].append(exception)
    found: dict[int, list[Hit]] = {}
    for code, of_kind in by_kind.items():
        read = _hits_from_above.get(code, cause_kind(code).hits)
        found |= read(of_kind)
    return found
