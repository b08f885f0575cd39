"""Facts in the past tense: recorded in the ledger and told to subscribers, within the command's transaction.

class JobPaused(Event, subject="job_order", label=_("Job paused")):
    reason_id: int

@subscribe(JobPaused)                      # same transaction: must succeed, or all is undone
def stop_the_clock(event: JobPaused, context: Context) -> None: ...

@subscribe(JobPaused, after_commit=True)   # screens and mail: a failure is logged and undoes nothing
def tell(event: JobPaused) -> None: ...

@listen_to_all                             # whatever a command has recorded, once it has done all else
def follow_rules(heard: Sequence[Heard], context: Context) -> None: ...
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, TypedDict, TypeVar, dataclass_transform

from django_stubs_ext import StrOrPromise
from pydantic_core import to_jsonable_python


class Story(TypedDict):
    """The fields of an event that all events about one thing have alike."""

    site_id: int
    thread: str
    erp_reference: str


NO_CODES: Mapping[str, str] = MappingProxyType({})


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events; a subclass is a frozen dataclass with keyword-only fields of ids and plain values.

    subject_id  id of what it is about        thread         the id that joins one story ("work_order:12")
    site_id     where it belongs              erp_reference  the ERP's number, as text

    dated_by    the field that says when it happened, of one that is about something earlier

    codes_of    field -> of what kind of the plant's own things its values are codes ({"type": "exception_type"})

    `label` is how engineers are offered it for rules; without one it is not offered.
    """

    kind: ClassVar[str]
    subject_kind: ClassVar[str]
    label: ClassVar[StrOrPromise]
    dated_by: ClassVar[str]
    codes_of: ClassVar[Mapping[str, str]]

    subject_id: int | str
    site_id: int | None = None
    thread: str = ""
    erp_reference: str = ""

    def __init_subclass__(
        cls,
        *,
        subject: str,
        kind: str = "",
        label: StrOrPromise = "",
        dated_by: str = "",
        codes_of: Mapping[str, str] = NO_CODES,
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        dataclass(frozen=True, kw_only=True)(cls)
        app = cls.__module__.removeprefix("apps.").split(".", 1)[0]
        cls.kind = kind or f"{app}.{_snake(cls.__name__)}"
        cls.subject_kind, cls.dated_by = subject, dated_by
        cls.label, cls.codes_of = label, codes_of
        if cls.kind in EVENTS:
            raise ValueError(f"event {cls.kind} is declared twice")
        EVENTS[cls.kind] = cls

    def data(self) -> dict[str, Any]:
        """The fields that have no column of their own in the ledger, as JSON values."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in _COLUMNS}
        return dict(to_jsonable_python(own))


# Name of a field -> what people call it, for engineers who make rules of events.
WORDS: dict[str, StrOrPromise] = {}


def declare_words(words: Mapping[str, StrOrPromise]) -> None:
    """Of the fields of an app's events; what a lower app has said already holds for those above."""
    for name, word in words.items():
        WORDS.setdefault(name, word)


EVENTS: dict[str, type[Event]] = {}
_COLUMNS = {"subject_id", "site_id", "thread", "erp_reference"}
Handler = Callable[..., None]
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Subscription:
    handler: Handler
    after_commit: bool

    def call_with(self, event: Event) -> Callable[[], None]:
        # A plain function: Django's report of a failed robust callback wants its __qualname__, a partial has none.
        def call() -> None:
            self.handler(event)

        return call

    @property
    def name(self) -> str:
        return f"{self.handler.__module__}.{self.handler.__qualname__}"


SUBSCRIPTIONS: defaultdict[type[Event], list[Subscription]] = defaultdict(list)


def subscribe(*kinds: type[Event], after_commit: bool = False) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for kind in kinds:
            SUBSCRIPTIONS[kind].append(Subscription(handler, after_commit))
        return handler

    return register


@dataclass(frozen=True)
class Heard:
    """An event as it stands in the ledger; `causes` are those that it follows from, the first one first."""

    event: Event
    event_id: int
    occurred_at: datetime
    causes: tuple[Heard, ...] = ()


# Within the command's transaction, after its body: no row that the body still holds changes under it.
Listener = Callable[[Sequence[Heard], Any], None]
LISTENERS: list[Listener] = []


def listen_to_all(listener: Listener) -> Listener:
    LISTENERS.append(listener)
    return listener


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
