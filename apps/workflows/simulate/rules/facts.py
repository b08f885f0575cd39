"""What a rule could ask of an event then: what it says itself, its subject as its row was, the rest as it is now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from django.db import connection, models

from apps.core.actors import Origin
from apps.core.models import LedgerEvent
from apps.plant import calendar_times
from apps.plant.calendar_times import Calendar, Shift
from apps.plant.models import ReasonCode, WorkCenter
from apps.plant.shifts_calendar import calendar_of, calendar_of_site
from apps.workflows.guards import GuardError, plain
from apps.workflows.kinds import KINDS, GuardField
from apps.workflows.models import WorkflowItem
from apps.workflows.rules.events import RuleFired
from apps.workflows.rules.facts import EVENT, SUBJECT, FactReader, fields_of
from apps.workflows.simulate.facts import Basis, Unknown, as_of, rows_at
from apps.workflows.surroundings import SUBJECTS, Surroundings

# Surroundings that are kept for the next event about the same.
_KEPT = 30_000
# Fact around -> the id behind it, in Surroundings and in the data of events.
_IDS = {
    "site": "site_id",
    "line": "work_center_id",
    "station": "work_unit_id",
    "lot": "lot_id",
    "work_order": "work_order_id",
    "operation": "job_order_id",
}

Instant = tuple[int, datetime]


class Happened(NamedTuple):
    """One event as the ledger has it."""

    id: int
    kind: str
    subject_kind: str
    subject_id: str
    site_id: int | None
    origin: str
    occurred_at: datetime
    data: Mapping[str, Any]


class PastReader(FactReader):
    """The facts about one event as they were at an instant; `bases`: of those that were read and are not certain.

    Raises Unknown besides, for what nobody can say any more.
    """

    def __init__(self, event: Happened, at: datetime, memory: Memory) -> None:
        super().__init__(
            event.kind,
            event.subject_kind,
            event.subject_id,
            event.data,
            occurred_at=event.occurred_at,
            site_id=event.site_id,
        )
        self.id, self.at, self.memory = event.id, at, memory
        self.bases: dict[str, Basis] = {}

    @cached_property
    def around(self) -> Surroundings:
        return self.memory.around(self)

    @cached_property
    def shift(self) -> Shift | None:
        calendar = self.memory.calendar(self.around.site_id, self.around.work_center_id)
        self.bases["shift"] = Basis.NOW
        return calendar_times.shift_at(calendar, self.occurred_at) if calendar else None

    def _value(self, name: str) -> Any:
        if name.startswith(EVENT):
            return self._told(name.removeprefix(EVENT))
        if name.startswith(SUBJECT):
            value, basis = self._of_the_subject(name)
            if basis != Basis.READ:
                self.bases[name] = basis
            return value
        if name == "shift":
            return super()._value(name)
        value = getattr(self.around, name)
        if not self.is_certain(name):
            self.bases[name] = Basis.NOW
        return value

    def is_certain(self, name: str) -> bool:
        """Of a fact around: the event says it itself, or its subject has not gone anywhere since."""
        id_name = _IDS.get(name)
        if id_name is None:
            return False
        its_id = getattr(self.around, id_name)
        if its_id is None:
            return False
        if name == "site" and self.site_id == its_id:
            return True
        is_subject = (id_name, self.subject_id) == (f"{self.subject_kind}_id", str(its_id))
        return is_subject or self.data.get(id_name) == its_id or self.memory.has_stayed(self)

    def _told(self, name: str) -> Any:
        if name not in self.data and f"{name}_id" in self.data:
            return self.memory.reason(self.data[f"{name}_id"])
        return self._of_the_event(name)

    def _of_the_subject(self, name: str) -> tuple[Any, Basis]:
        own = name.removeprefix(SUBJECT)
        field = fields_of(self.event.subject_kind).get(own)
        if field is None:
            raise GuardError(f"{own} is no declared field")
        if self.subject_kind in KINDS:
            return self.memory.of_item(self, name, field)
        declared = SUBJECTS[self.event.subject_kind]
        found = declared.find(self.subject_id, self.data, self.occurred_at)
        if found is None:
            raise Unknown(name)
        if declared.then is None or own not in declared.kept:
            return _read(field, found, name), Basis.NOW
        return _read(field, declared.then(found, self.at), name), Basis.READ


def _read(field: GuardField, found: Any, name: str) -> Any:
    try:
        return plain(field.read(found))
    except (GuardError, _OtherRowsError):
        raise
    except Exception as error:
        raise Unknown(name) from error


class _OtherRowsError(Exception):
    """A field asks for more than the row of its item."""


def _no_rows(*_asked: Any) -> Any:
    raise _OtherRowsError


class _Noted(Mapping[str, Any]):
    """The data of an event, and which of it was asked for."""

    def __init__(self, data: Mapping[str, Any], asked: set[str]) -> None:
        self._data, self._asked = data, asked

    def __getitem__(self, name: str) -> Any:
        self._asked.add(name)
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        self._asked.update(self._data)
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class Memory:
    """What readers share: read for a segment at once, or for all events about the same."""

    def __init__(self) -> None:
        self._around: dict[tuple[Any, ...], Surroundings] = {}
        self._asked_of: defaultdict[str, set[str]] = defaultdict(set)
        self._calendars: dict[tuple[int | None, int | None], Calendar | None] = {}
        self._reasons: dict[int, str] = {}
        self._items: dict[tuple[str, int], WorkflowItem] = {}
        self._rows: dict[Instant, dict[str, Any]] = {}
        self._depths: dict[int, tuple[int, frozenset[int]]] = {}
        # Fields that have asked for more than the row of their item.
        self._hanging: set[tuple[str, str]] = set()

    # ---- for a segment

    def load(self, events: Sequence[Happened], instants: Callable[[Happened], Collection[datetime]]) -> None:
        """Items of kinds, and their rows at the instants. Two queries for each kind of item, none for no instants."""
        self._items, self._rows = {}, {}
        by_kind: defaultdict[str, dict[Instant, int]] = defaultdict(dict)
        for event in events:
            if event.subject_kind in KINDS:
                for at in instants(event):
                    by_kind[event.subject_kind][event.id, at] = int(event.subject_id)
        for code, wanted in by_kind.items():
            self._load_items(code, wanted)

    def _load_items(self, code: str, wanted: Mapping[Instant, int]) -> None:
        kind, instants = KINDS[code], list(wanted)
        self._read_items(code, set(wanted.values()))
        asked = [(number, wanted[event_id, at], at) for number, (event_id, at) in enumerate(instants)]
        self._rows |= {instants[n]: row for n, row in rows_at(kind.model, asked, before=False).items()}

    def _read_items(self, code: str, ids: Collection[int]) -> None:
        """With what they hang on only once a field has asked for it."""
        kind = KINDS[code]
        rows = kind.model._base_manager.filter(pk__in=ids)
        if any(which == code for which, __ in self._hanging):
            rows = rows.select_related("workflow_version", *kind.reads)
        self._items |= {(code, item.pk): item for item in rows}

    def load_depths(self, events: Iterable[Happened]) -> None:
        """Of what rules have caused: how many rules stand before it, and which. One query, none where none has."""
        ids = [event.id for event in events if event.origin == Origin.RULE]
        self._depths = {}
        if not ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(_CAUSES, [ids, RuleFired.kind])
            for event_id, rule_id in cursor.fetchall():
                depth, rules = self._depths.get(event_id, (0, frozenset()))
                self._depths[event_id] = depth + 1, rules | {int(rule_id)}

    def depth(self, event_id: int) -> tuple[int, frozenset[int]]:
        return self._depths.get(event_id, (0, frozenset()))

    # ---- of one event

    def around(self, reader: PastReader) -> Surroundings:
        asked = self._asked_of[reader.subject_kind]
        known = self._around.get(_key(reader, asked))
        if known is not None:
            return known
        if len(self._around) >= _KEPT:
            self._around.clear()
        found = FactReader(
            reader.event.kind,
            reader.subject_kind,
            reader.subject_id,
            _Noted(reader.data, asked),
            occurred_at=reader.occurred_at,
            site_id=reader.site_id,
        ).around
        self._around[_key(reader, asked)] = found
        return found

    def calendar(self, site_id: int | None, line_id: int | None) -> Calendar | None:
        place = (site_id, line_id)
        if place not in self._calendars:
            line = WorkCenter.objects.filter(pk=line_id).first() if line_id else None
            of_site = calendar_of_site(site_id) if site_id and line is None else None
            self._calendars[place] = calendar_of(line) if line is not None else of_site
        return self._calendars[place]

    def reason(self, reason_id: int | None) -> str:
        if not reason_id:
            return ""
        if reason_id not in self._reasons:
            found = ReasonCode.objects.filter(pk=reason_id).values_list("code", flat=True).first()
            self._reasons[reason_id] = found or ""
        return self._reasons[reason_id]

    def has_stayed(self, reader: PastReader) -> bool:
        """Whether all that the item's row refers to is what it referred to then."""
        item, row = self._item(reader)
        if item is None or row is None:
            return False
        now = item.__dict__
        return all(row.get(name) == now.get(name) for name in _references(type(item)))

    def of_item(self, reader: PastReader, name: str, field: GuardField) -> tuple[Any, Basis]:
        """READ where the row of that time says it all; ROW where the field looks beyond it, too."""
        item, row = self._item(reader)
        if item is None:
            raise Unknown(name)
        if row is None:
            return _read(field, item, name), Basis.NOW
        which = (reader.subject_kind, name)
        if which not in self._hanging:
            bare = as_of(item, row)
            bare._state.fields_cache.clear()
            try:
                with connection.execute_wrapper(_no_rows):
                    return _read(field, bare, name), Basis.READ
            except _OtherRowsError:
                self._hanging.add(which)
                self._read_items(which[0], [pk for code, pk in self._items if code == which[0]])
                item = self._items[reader.subject_kind, item.pk]
        return _read(field, as_of(item, row), name), Basis.ROW

    def _item(self, reader: PastReader) -> tuple[WorkflowItem | None, dict[str, Any] | None]:
        if reader.subject_kind not in KINDS:
            return None, None
        item = self._items.get((reader.subject_kind, int(reader.subject_id)))
        return item, self._rows.get((reader.id, reader.at))


@cache
def _references(model: type[models.Model]) -> tuple[str, ...]:
    """Of where it is, what it is of; not of the version that it goes by."""
    fields = [one for one in model._meta.concrete_fields if isinstance(one, models.ForeignKey)]
    return tuple(one.attname for one in fields if one.name != "workflow_version")


_CAUSES = """
    WITH RECURSIVE story AS (
        SELECT id AS of, cause_id, 0 AS back FROM core_ledgerevent WHERE id = ANY(%s)
         UNION ALL
        SELECT story.of, cause.cause_id, story.back + 1
          FROM story JOIN core_ledgerevent cause ON cause.id = story.cause_id WHERE story.back < 100
    )
    SELECT story.of, fired.subject_id FROM story JOIN core_ledgerevent fired ON fired.id = story.cause_id
     WHERE fired.kind = %s
"""


def _key(reader: PastReader, asked: Collection[str]) -> tuple[Any, ...]:
    said = tuple((name, repr(reader.data.get(name))) for name in sorted(asked))
    return reader.subject_kind, reader.subject_id, reader.site_id, said


def happened(kinds: Collection[str]) -> models.QuerySet[LedgerEvent]:
    return LedgerEvent.objects.filter(kind__in=list(kinds))
