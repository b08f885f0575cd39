"""What has happened to a version, as the ledger tells it: who made, saved, submitted, published it; edges stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.models import LedgerEvent
from apps.workflows.definition import Definition, word
from apps.workflows.models import EdgeStop, Version

# Older events are in the ledger; nobody reads so many on one page.
LONGEST = 500


@dataclass(frozen=True)
class Told:
    """`details`: what was done step by step, the last first; `note`: what somebody wrote about it."""

    at: datetime
    who: int | None
    what: str
    details: tuple[str, ...] = ()
    note: str = ""
    is_save: bool = False


def story(version: Version, definition: Definition) -> list[Told]:
    """The last first. Saves in a row by one person are one entry. Four queries at most."""
    of_version = Q(subject_kind="workflow_version", subject_id=str(version.pk))
    of_stops = Q(subject_kind="workflow", subject_id=str(version.workflow_id), kind__in=_STOPS)
    events = list(LedgerEvent.objects.filter(of_version | of_stops).order_by("-id")[:LONGEST])
    stop_ids = {event.data["stop_id"] for event in events if "stop_id" in event.data}
    telling = _Telling(
        version=version,
        labels={edge.code: word(edge.labels, edge.code) for edge in definition.edges},
        states={state.code: word(state.labels, state.code) for state in definition.states},
        stops=EdgeStop.objects.in_bulk(stop_ids) if stop_ids else {},
        numbers=_numbers(event.data.get(name) for event in events for name in ("copy_of_id", "back_to_id")),
    )
    return saves_in_a_row(telling.tell(event) for event in events)


def saves_in_a_row(entries: Iterable[Told]) -> list[Told]:
    """Those by one person are one entry."""
    told: list[Told] = []
    for entry in entries:
        last = told[-1] if told else None
        if last and last.is_save and entry.is_save and last.who == entry.who:
            told[-1] = replace(last, details=last.details + entry.details)
        else:
            told.append(entry)
    return told


def _numbers(ids: Any) -> dict[int, int]:
    wanted = {key for key in ids if key}
    return dict(Version.objects.filter(pk__in=wanted).values_list("pk", "number")) if wanted else {}


class _Versioned(Protocol):
    @property
    def note(self) -> str: ...


@dataclass(frozen=True)
class Life:
    """What the life of any version is told by; `numbers`: of the versions of the same thing, by id."""

    version: _Versioned
    numbers: Mapping[int, int]

    def created(self, told: Told, data: Mapping[str, Any]) -> Told:
        number = self.numbers.get(data["copy_of_id"])
        what = _("created as a copy of version %(number)s") % {"number": number} if number else _("created")
        return replace(told, what=what)

    def saved(self, told: Told, data: Mapping[str, Any]) -> Told:
        """`what` was done; "- " before it: undone."""
        done = data.get("what", "")
        if done.startswith("-"):
            done = _("undone: %(what)s") % {"what": done[1:].strip()}
        return replace(told, what=_("saved"), details=(done,) if done else (), is_save=True)

    def submitted(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("submitted for review"))

    def returned(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("returned to draft"))

    def published(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("published"), note=self.version.note)

    def retired(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("retired"))

    def took_effect(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("took effect"))

    def widened(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("widened to all lines"))

    def rolled_back(self, told: Told, data: Mapping[str, Any]) -> Told:
        number = self.numbers.get(data["back_to_id"], "?")
        return replace(told, what=_("made to go back to version %(number)s") % {"number": number})


def last_days(days: int) -> str:
    return ngettext("the last %(n)s day", "the last %(n)s days", days) % {"n": days}


@dataclass(frozen=True)
class _Telling(Life):
    labels: Mapping[str, str]
    states: Mapping[str, str]
    stops: Mapping[int, EdgeStop]

    def tell(self, event: LedgerEvent) -> Told:
        teller = WORDS.get(event.kind)
        told = Told(at=event.occurred_at, who=event.actor_id, what=event.kind)
        return teller(self, told, event.data) if teller else told

    def tried(self, told: Told, data: Mapping[str, Any]) -> Told:
        moves = data["moves"]
        past = ngettext("the last move", "the last %(n)s moves", moves) % {"n": moves}
        past = last_days(data["days"]) if data["days"] else past
        return replace(told, what=_("simulated on %(past)s") % {"past": past})

    def planned(self, told: Told, _data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("planned what becomes of the items under way"))

    def decided(self, told: Told, data: Mapping[str, Any]) -> Told:
        what = _("decided about item %(id)s: to %(state)s") % {
            "id": data["item_id"],
            "state": self.states.get(data["to_state"], data["to_state"]) or _("stays"),
        }
        return replace(told, what=what)

    def moves_ended(self, told: Told, data: Mapping[str, Any]) -> Told:
        count = data["moved"]
        what = ngettext("%(n)s item under way moved to it", "%(n)s items under way moved to it", count) % {"n": count}
        return replace(told, what=what)

    def stopped(self, told: Told, data: Mapping[str, Any]) -> Told:
        stop = self.stops.get(data["stop_id"])
        what = _("“%(edge)s” stopped in all versions") % {"edge": self._edge(data)}
        return replace(told, what=what, note=stop.reason if stop else "")

    def resumed(self, told: Told, data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("“%(edge)s” resumed") % {"edge": self._edge(data)})

    def _edge(self, data: Mapping[str, Any]) -> str:
        return self.labels.get(data["edge"], data["edge"])


_STOPS = ("workflows.edge_stopped", "workflows.edge_resumed")
WORDS: dict[str, Callable[[_Telling, Told, Mapping[str, Any]], Told]] = {
    "workflows.draft_created": _Telling.created,
    "workflows.draft_saved": _Telling.saved,
    "workflows.review_requested": _Telling.submitted,
    "workflows.draft_returned": _Telling.returned,
    "workflows.version_published": _Telling.published,
    "workflows.version_retired": _Telling.retired,
    "workflows.draft_tried": _Telling.tried,
    "workflows.moves_planned": _Telling.planned,
    "workflows.item_decided": _Telling.decided,
    "workflows.version_took_effect": _Telling.took_effect,
    "workflows.version_widened": _Telling.widened,
    "workflows.moves_ended": _Telling.moves_ended,
    "workflows.version_rolled_back": _Telling.rolled_back,
    "workflows.edge_stopped": _Telling.stopped,
    "workflows.edge_resumed": _Telling.resumed,
}
