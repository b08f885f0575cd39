"""What a rule may ask: the event's own fields, the item it is about, and what is around it.

event.scrap       a field of the event, by its declared type          line, item, shift      what is around it
event.scrap_reason  the code behind event.scrap_reason_id             subject.quantity       the item, as it is now
"""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from apps.core.events import EVENTS, WORDS, Event
from apps.core.prepared import Given, Prepared
from apps.plant import calendar_times
from apps.plant.calendar_times import DAY, Interval, Shift
from apps.plant.models import ReasonCode, Site, WorkCenter
from apps.plant.shifts_calendar import calendar_of, calendar_of_site
from apps.workflows.guards import GuardError, plain
from apps.workflows.judgement import FieldReader
from apps.workflows.kinds import KINDS, GuardField, ValueType
from apps.workflows.surroundings import SUBJECTS, Surroundings, surroundings_of

EVENT, SUBJECT = "event.", "subject."
_REASON_ID = "reason_id"


@dataclass(frozen=True)
class Fact:
    """`label`: what the form shows; of an event's own fields it is their name.  `codes_of` as of GuardField."""

    name: str
    type: ValueType
    label: StrOrPromise
    codes_of: str = ""


AROUND: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("site", ValueType.TEXT, _("site"), "site"),
        Fact("line", ValueType.TEXT, _("line"), "work_center"),
        Fact("station", ValueType.TEXT, _("station")),
        Fact("work_order", ValueType.TEXT, _("work order")),
        Fact("operation", ValueType.TEXT, _("operation")),
        Fact("item", ValueType.TEXT, _("item")),
        Fact("customer", ValueType.TEXT, _("customer")),
        Fact("lot", ValueType.TEXT, _("lot")),
        Fact("shift", ValueType.TEXT, _("shift")),
    )
}


@cache
def facts_of(event_kind: str) -> Mapping[str, Fact]:
    """All that a rule for this kind of event may name."""
    event = EVENTS[event_kind]
    own = {name: type_ for name, hint in _hints(event).items() if (type_ := _type_of(hint)) is not None}
    found = {
        f"{EVENT}{name}": Fact(f"{EVENT}{name}", type_, _in_words(name), event.codes_of.get(name, ""))
        for name, type_ in own.items()
    }
    for name in own:
        if name.endswith(_REASON_ID):
            code = name.removesuffix("_id")
            found[f"{EVENT}{code}"] = Fact(f"{EVENT}{code}", ValueType.TEXT, _in_words(code))
    for name, field in fields_of(event.subject_kind).items():
        found[f"{SUBJECT}{name}"] = Fact(f"{SUBJECT}{name}", field.type, field.label, field.codes_of)
    return {**found, **AROUND}


def _in_words(name: str) -> StrOrPromise:
    return WORDS.get(name) or name.replace("_", " ")


def fields_of(subject_kind: str) -> Mapping[str, GuardField]:
    if subject_kind in KINDS:
        return KINDS[subject_kind].fields
    return SUBJECTS[subject_kind].fields if subject_kind in SUBJECTS else {}


def _hints(event: type[Event]) -> dict[str, Any]:
    """Of what the ledger keeps as data of the event."""
    hints = get_type_hints(event)
    columns = {field.name for field in fields(Event)}
    return {field.name: hints[field.name] for field in fields(event) if field.name not in columns}


_PLAIN: Sequence[tuple[type, ValueType]] = (
    (bool, ValueType.BOOLEAN),
    (int, ValueType.NUMBER),
    (float, ValueType.NUMBER),
    (Decimal, ValueType.NUMBER),
    (datetime, ValueType.TIME),
    (str, ValueType.TEXT),
)
_LISTS = {ValueType.NUMBER: ValueType.NUMBERS, ValueType.TEXT: ValueType.TEXTS}


def _type_of(hint: Any) -> ValueType | None:
    """None for what no condition can ask for: a mapping, a union of several."""
    if get_origin(hint) in (Union, types.UnionType):
        one = [part for part in get_args(hint) if part is not type(None)]
        return _type_of(one[0]) if len(one) == 1 else None
    if get_origin(hint) in (list, tuple, set, frozenset, Sequence, Collection):
        inner = _type_of(get_args(hint)[0])
        return _LISTS.get(inner) if inner else None
    if not isinstance(hint, type):
        return None
    if issubclass(hint, Enum):
        return ValueType.TEXT
    return next((type_ for kind, type_ in _PLAIN if issubclass(hint, kind)), None)


_REASON = Prepared(lambda: ReasonCode.objects.filter(pk=Given("pk")))
_SITE = Prepared(lambda: Site.objects.filter(pk=Given("pk")))
_LINE = Prepared(lambda: WorkCenter.objects.filter(pk=Given("pk")))


class FactReader:
    """The facts about one event, each read once and only when a rule asks; from a ledger row as well as from the event.

    data     as the ledger keeps it; it may say itself when the event happened
    site_id  of the event, for a subject that no app knows the surroundings of
    """

    def __init__(
        self,
        kind: str,
        subject_kind: str,
        subject_id: int | str,
        data: Mapping[str, Any],
        *,
        occurred_at: datetime,
        site_id: int | None,
    ) -> None:
        self.event, self.subject_kind, self.subject_id = EVENTS[kind], subject_kind, str(subject_id)
        self.data, self.site_id = data, site_id
        dated = data.get(self.event.dated_by)
        self.occurred_at = datetime.fromisoformat(dated) if dated else occurred_at
        self._known = facts_of(kind)
        self._read: dict[str, Any] = {}

    @cached_property
    def around(self) -> Surroundings:
        """One query, by the app of the subject."""
        found = surroundings_of(self.subject_kind, self.subject_id, self.data)
        if found.site_id is not None or self.site_id is None:
            return found
        site = _SITE.first(pk=self.site_id)
        return replace(found, site_id=self.site_id, site=site.code if site else "")

    @property
    def knows_around(self) -> bool:
        """It has been read, and is not read again."""
        return "around" in self.__dict__

    @cached_property
    def shift(self) -> Shift | None:
        """That was on when it happened: of the line, else of the site."""
        around = self.around
        line = _LINE.first(pk=around.work_center_id) if around.work_center_id else None
        if line is not None:
            calendar = calendar_of(line)
        else:
            calendar = calendar_of_site(around.site_id) if around.site_id else None
        return calendar_times.shift_at(calendar, self.occurred_at) if calendar else None

    @property
    def span_of_the_shift(self) -> Interval:
        """Of the local day where no shift is planned."""
        if self.shift is not None:
            return self.shift.start, self.shift.end
        local = timezone.localtime(self.occurred_at)
        begins = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return begins, begins + DAY

    def values(self, names: AbstractSet[str]) -> dict[str, Any]:
        """Raises GuardError for a fact that is not declared, or can't be read."""
        for name in sorted(names - self._read.keys()):
            if name not in self._known:
                raise GuardError(f"{name} is no fact of {self.event.kind}")
            try:
                self._read[name] = plain(self._value(name))
            except GuardError as error:
                raise GuardError(f"{name}: {error}") from error
        return {name: self._read[name] for name in names}

    def _value(self, name: str) -> Any:
        if name.startswith(EVENT):
            return self._of_the_event(name.removeprefix(EVENT))
        if name.startswith(SUBJECT):
            return self._subject.values(frozenset({name.removeprefix(SUBJECT)}))[name.removeprefix(SUBJECT)]
        if name == "shift":
            return self.shift.code if self.shift else ""
        return getattr(self.around, name)

    def _of_the_event(self, name: str) -> Any:
        if name not in self.data and f"{name}_id" in self.data:
            reason_id = self.data[f"{name}_id"]
            reason = _REASON.first(pk=reason_id) if reason_id else None
            return reason.code if reason else ""
        value, type_ = self.data.get(name), self._known[f"{EVENT}{name}"].type
        if value is None:
            return None
        if type_ == ValueType.NUMBER:
            return Decimal(str(value))
        return datetime.fromisoformat(value) if type_ == ValueType.TIME else value

    @cached_property
    def _subject(self) -> FieldReader:
        """Locked by nobody here: it is as the command has left it."""
        item = self._found()
        if item is None:
            raise GuardError(f"{self.subject_kind} {self.subject_id} is not there")
        return FieldReader(fields_of(self.event.subject_kind), item)

    def _found(self) -> Any:
        if self.event.subject_kind not in KINDS:
            return SUBJECTS[self.event.subject_kind].find(self.subject_id, self.data, self.occurred_at)
        kind = KINDS[self.event.subject_kind]
        rows = kind.model._base_manager.select_related("workflow_version", *kind.reads)
        return rows.filter(pk=self.subject_id).first()


def needs_database(names: AbstractSet[str]) -> bool:
    """Beyond the surroundings, which are read for every rule."""
    return any(name.startswith(SUBJECT) or name == "shift" or name.endswith("reason") for name in names)
