"""What an event is about beyond what it says: the order, the line, the item around it; and how its subject is now.

Each app says for its own kinds of subjects how these are found, in its `surroundings.py`:

    @around("job_order", gives={"site_id", "job_order_id"})
    def _job_order(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None: ...

    declare_subject("downtime", find=..., fields={"is_open": GuardField(...)})

Of a subject that runs on a workflow its guard fields are known already (kinds.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.workflows.kinds import GuardField


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Ids for effects, codes and names (empty where there is none) for conditions; `shift` is its code, `lot` the
    lot's number, `work_order` the number people say.
    """

    site_id: int | None = None
    work_center_id: int | None = None
    work_unit_id: int | None = None
    work_order_id: int | None = None
    job_order_id: int | None = None
    lot_id: int | None = None
    exception_id: int | None = None
    downtime_id: int | None = None
    workflow_version_id: int | None = None
    thread: str = ""
    site: str = ""
    line: str = ""
    station: str = ""
    work_order: str = ""
    operation: str = ""
    item: str = ""
    customer: str = ""
    lot: str = ""
    shift: str = ""


# The subject's id as the ledger holds it, and the event's data.
Finder = Callable[[str, Mapping[str, Any]], Surroundings | None]

FINDERS: dict[str, Finder] = {}
GIVES: dict[str, frozenset[str]] = {}


def around(subject_kind: str, *, gives: AbstractSet[str]) -> Callable[[Finder], Finder]:
    """`gives`: ids that it finds, always or for some of them; an effect that needs another can never be done there."""

    def register(finder: Finder) -> Finder:
        if FINDERS.setdefault(subject_kind, finder) is not finder:
            raise ValueError(f"surroundings of {subject_kind} are declared twice")
        GIVES[subject_kind] = frozenset(gives)
        return finder

    return register


def surroundings_of(subject_kind: str, subject_id: int | str, data: Mapping[str, Any]) -> Surroundings:
    """Empty where no app knows the subject, or it is gone."""
    finder = FINDERS.get(subject_kind)
    return (finder(str(subject_id), data) if finder else None) or Surroundings()


# The subject's id, the event's data, and when that happened -> what the fields read, None where it is gone.
SubjectFinder = Callable[[str, Mapping[str, Any], datetime], Any]


# What was found -> the same as it was at an instant.
Then = Callable[[Any, datetime], Any]


@dataclass(frozen=True, kw_only=True)
class SubjectFields:
    """`then`: for replays of the past, which it answers for those of the fields that are `kept`."""

    find: SubjectFinder
    fields: Mapping[str, GuardField]
    then: Then | None = None
    kept: AbstractSet[str] = frozenset()


SUBJECTS: dict[str, SubjectFields] = {}


def declare_subject(
    kind: str,
    *,
    find: SubjectFinder,
    fields: Mapping[str, GuardField],
    then: Then | None = None,
    kept: AbstractSet[str] = frozenset(),
) -> None:
    """What rules may ask of a subject, as it is when they ask."""
    made = SubjectFields(find=find, fields=fields, then=then, kept=kept)
    if SUBJECTS.setdefault(kind, made) is not made:
        raise ValueError(f"the fields of {kind} are declared twice")
