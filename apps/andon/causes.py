"""What exceptions are about. The app that raises one says here how it is told, and whether its cause is still there.

    declare(CauseKind(code="shortage", label=_("shortage"), headline=..., sentence=..., is_present=...))

A lower floor asks upward through this registry; it names the thing above by kind and key only.
"""

from __future__ import annotations

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
    reference what people call it ("WO-10477")       sentence  for those who must know
    role      code of the role whom it concerns besides the owner; "" everybody
    """

    at: datetime | None
    reference: str
    sentence: str
    role: str = ""


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
    is_present  whether the cause is there still: then the exception can be resolved, but not closed
    hits        by id of the exception, what each of them hits, the nearest first; one call for many
    again       what happens again and again, of a problem: "MS-40"
    """

    code: str
    label: StrOrPromise
    headline: Callable[[FloorException], str] = _type_name
    sentence: Callable[[FloorException], str] = _type_name
    is_present: Callable[[FloorException], bool] = _goes_with_the_exception
    hits: Callable[[Collection[FloorException]], Mapping[int, list[Hit]]] = _nothing
    again: Callable[[Problem], str] = _key


_causes: dict[str, CauseKind] = {}


def declare(cause: CauseKind) -> CauseKind:
    if _causes.setdefault(cause.code, cause) is not cause:
        raise ValueError(f"cause {cause.code} is declared twice")
    return cause


def cause_kind(code: str) -> CauseKind:
    """One whose app is not there any more is told by its type."""
    return _causes.get(code) or CauseKind(code=code, label=_("unknown cause"))


def kinds_that_hit() -> list[str]:
    """Codes of those that tell what they hit."""
    return sorted(code for code, kind in _causes.items() if kind.hits is not _nothing)
