"""All that has happened to one exception, as the ledger tells it: when, who, what, and whose it was then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.andon.models import Clock, ExceptionStatus, FloorException
from apps.core.models import LedgerEvent
from apps.plant.models import Person, Purpose, ReasonCode, Terminal

Names = Mapping[int, str]
LONGEST = 300
# Of whom nothing is known any more.
NOBODY = "?"


@dataclass(frozen=True)
class Told:
    """`old_owner` only where the owner has changed; `owner` "" where the event does not say."""

    at: datetime
    who: str
    what: str
    old_owner: str
    owner: str


def story(exception: FloorException) -> list[Told]:
    """The last first; four queries."""
    events = list(
        LedgerEvent.objects.filter(subject_kind="exception", subject_id=str(exception.pk)).order_by("-id")[:LONGEST]
    )
    people = _people(events)
    terminals = Terminal.objects.in_bulk({event.terminal_id for event in events if event.terminal_id})
    reasons = {
        (reason.purpose, reason.code): reason.label()
        for reason in ReasonCode.objects.filter(purpose__in=(Purpose.CANNOT, Purpose.CLOCK_PAUSE))
    }
    telling = _Telling(exception, people, reasons)
    return [
        Told(
            at=event.occurred_at,
            who=_who(event, people, {key: terminal.code for key, terminal in terminals.items()}),
            what=telling.what(event),
            old_owner=telling.name(event.data.get("old_owner_id")),
            owner=telling.name(event.data.get("new_owner_id") or event.data.get("owner_id")),
        )
        for event in events
    ]


def _people(events: Iterable[LedgerEvent]) -> Names:
    ids: set[int] = set()
    for event in events:
        named = [
            event.actor_id,
            *(event.data.get(name) for name in ("owner_id", "old_owner_id", "new_owner_id", "person_id")),
        ]
        ids |= {key for key in (*named, *event.data.get("person_ids", [])) if key}
    return {person.pk: person.name for person in Person.objects.get_queryset().filter(pk__in=ids)}


def _who(event: LedgerEvent, people: Names, terminals: Names) -> str:
    if event.actor_id:
        return people.get(event.actor_id, NOBODY)
    if event.terminal_id:
        return _("Terminal %(code)s, nobody signed in") % {"code": terminals.get(event.terminal_id, NOBODY)}
    return "mfgos"


@dataclass(frozen=True)
class _Telling:
    exception: FloorException
    people: Names
    reasons: Mapping[tuple[str, str], str]

    def name(self, key: int | None) -> str:
        return self.people.get(key, NOBODY) if key else ""

    def what(self, event: LedgerEvent) -> str:
        tell = _WHAT.get(event.kind)
        return tell(self, event.data) if tell else event.kind

    def raised(self, _data: Mapping[str, Any]) -> str:
        """A stop is known to be none for a moment only when its threshold has passed."""
        began_at, known_at = self.exception.raised_at, self.exception.ladder_started_at
        if (known_at - began_at).total_seconds() < 1:
            return _("raised")
        return _("raised, it began at %(time)s") % {"time": date_format(localtime(began_at), "H:i:s")}

    def joined(self, _data: Mapping[str, Any]) -> str:
        return _("reported again")

    def moved(self, data: Mapping[str, Any]) -> str:
        status = data["to_status"]
        return str(ExceptionStatus(status).label) if status in ExceptionStatus.values else str(status)

    def owner_changed(self, data: Mapping[str, Any]) -> str:
        why = _WHY.get(data["why"])
        return why() if why else str(data["why"])

    def escalated(self, data: Mapping[str, Any]) -> str:
        called = ", ".join(self.name(key) for key in data["person_ids"])
        return _("level %(level)s: %(names)s called") % {"level": data["level"] + 1, "names": called or NOBODY}

    def warned(self, data: Mapping[str, Any]) -> str:
        return _("%(percent)s %% of the time %(clock)s are gone") % {
            "percent": data["percent"],
            "clock": Clock(data["clock"]).label,
        }

    def breached(self, data: Mapping[str, Any]) -> str:
        return _("the time %(clock)s is over") % {"clock": Clock(data["clock"]).label}

    def paused(self, data: Mapping[str, Any]) -> str:
        reason = self.reasons.get((Purpose.CLOCK_PAUSE, data["reason"]), data["reason"])
        return _("clock stopped until %(time)s: %(reason)s") % {"time": _time(data["until"]), "reason": reason}

    def resumed(self, _data: Mapping[str, Any]) -> str:
        return _("the clock runs again")

    def refused(self, data: Mapping[str, Any]) -> str:
        reason = self.reasons.get((Purpose.CANNOT, data["reason"]), data["reason"])
        return _("can't come: %(reason)s") % {"reason": reason}

    def on_the_way(self, data: Mapping[str, Any]) -> str:
        return _("is coming, there at %(time)s") % {"time": _time(data["arrives_at"])}

    def rung_again(self, data: Mapping[str, Any]) -> str:
        called = ", ".join(self.name(key) for key in data["person_ids"])
        return _("rang again: %(names)s called") % {"names": called or NOBODY}

    def remarked(self, _data: Mapping[str, Any]) -> str:
        return _("said something")

    def merged(self, _data: Mapping[str, Any]) -> str:
        return _("made part of another one")

    def split(self, _data: Mapping[str, Any]) -> str:
        return _("made a case of its own")

    def cause_ended(self, _data: Mapping[str, Any]) -> str:
        return _("the cause is gone")

    def accepted(self, _data: Mapping[str, Any]) -> str:
        return _("accepted what was handed over")


def _time(text: str | None) -> str:
    at = parse_datetime(text) if text else None
    return date_format(localtime(at), "H:i") if at else NOBODY


_WHAT: dict[str, Callable[[_Telling, Mapping[str, Any]], str]] = {
    "andon.exception_raised": _Telling.raised,
    "andon.exception_joined": _Telling.joined,
    "andon.owner_changed": _Telling.owner_changed,
    "andon.escalated": _Telling.escalated,
    "andon.clock_warned": _Telling.warned,
    "andon.clock_breached": _Telling.breached,
    "andon.clock_paused": _Telling.paused,
    "andon.clock_resumed": _Telling.resumed,
    "andon.answer_refused": _Telling.refused,
    "andon.on_the_way": _Telling.on_the_way,
    "andon.remarked": _Telling.remarked,
    "andon.rung_again": _Telling.rung_again,
    "andon.exceptions_merged": _Telling.merged,
    "andon.exception_split": _Telling.split,
    "andon.cause_ended": _Telling.cause_ended,
    "andon.handover_accepted": _Telling.accepted,
    "workflows.state_changed": _Telling.moved,
}
_WHY: dict[str, Callable[[], str]] = {
    "taken": lambda: _("took it"),
    "given": lambda: _("given on"),
    "cannot": lambda: _("can't come"),
    "on_duty": lambda: _("somebody nearer is on duty now"),
    "off_duty": lambda: _("the duty is over"),
    "clocked_off": lambda: _("clocked off"),
    "absent": lambda: _("is away"),
    "swapped": lambda: _("duty swapped"),
    "deactivated": lambda: _("has left"),
    "role_ended": lambda: _("has the role no more"),
    "qualification_lost": lambda: _("lost a qualification"),
}
