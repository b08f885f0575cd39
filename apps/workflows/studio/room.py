"""What the forms of one draft pick from: the kind's statuses and fields, the plant's lists, values seen of late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django_stubs_ext import StrOrPromise

from apps.core.models import LedgerEvent
from apps.workflows.definition import Definition, word
from apps.workflows.guards import GuardError
from apps.workflows.judgement import FieldReader
from apps.workflows.kinds import KINDS, GuardField, Kind
from apps.workflows.rules.facts import FactReader
from apps.workflows.studio import choices

Listed = Sequence[tuple[str, StrOrPromise]]

RECENT_ITEMS = 40
RECENT_EVENTS = 20
MAX_SUGGESTIONS = 20


@dataclass(frozen=True)
class Room:
    """Each list is read once, and only when a form asks for it."""

    definition: Definition

    @cached_property
    def kind(self) -> Kind | None:
        return KINDS.get(self.definition.kind)

    @property
    def fields(self) -> dict[str, GuardField]:
        return dict(self.kind.fields) if self.kind else {}

    @property
    def statuses(self) -> Listed:
        return list(self.kind.statuses.choices) if self.kind else []

    @property
    def states(self) -> Listed:
        return [(state.code, word(state.labels, state.code)) for state in self.definition.states]

    @property
    def edges(self) -> Listed:
        return list({edge.code: word(edge.labels, edge.code) for edge in self.definition.edges}.items())

    @cached_property
    def takers(self) -> Listed:
        return choices.takers()

    @cached_property
    def skills(self) -> Listed:
        return choices.skills()

    @cached_property
    def purposes(self) -> Listed:
        return choices.purposes()

    @cached_property
    def sites(self) -> Listed:
        return choices.sites()

    @cached_property
    def work_centers(self) -> Listed:
        return choices.work_centers()

    def seen(self, field: str) -> list[str]:
        """Different values that recent items have there, as one would type them; [] where none can be read.

        Read from the items and not from the ledger: that knows only fields that a guard has asked for already.
        """
        return _seen(self._recent, field)

    @cached_property
    def _recent(self) -> list[FieldReader]:
        """One query."""
        if self.kind is None:
            return []
        items = self.kind.model._base_manager.select_related(*self.kind.reads).order_by("-pk")
        return [FieldReader(self.kind.fields, item) for item in items[:RECENT_ITEMS]]


@dataclass(frozen=True)
class Happened:
    """What the recent events of a kind told, read once and only when a form asks for it."""

    event_kind: str

    def seen(self, fact: str) -> list[str]:
        """Different values that it had, as one would type them."""
        return _seen(self._recent, fact)

    @cached_property
    def _recent(self) -> list[FactReader]:
        """One query; what is around each of the events is one more."""
        rows = LedgerEvent.objects.filter(kind=self.event_kind).order_by("-pk")[:RECENT_EVENTS]
        return [
            FactReader(
                row.kind,
                row.subject_kind,
                row.subject_id,
                row.data,
                occurred_at=row.occurred_at,
                site_id=row.site_id,
            )
            for row in rows
        ]


def _seen(readers: Iterable[FieldReader | FactReader], name: str) -> list[str]:
    values: dict[str, None] = {}
    for reader in readers:
        try:
            value = reader.values(frozenset({name}))[name]
        except GuardError:
            continue
        values |= dict.fromkeys(_words(value))
    return sorted(values)[:MAX_SUGGESTIONS]


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _words(one)]
    if isinstance(value, bool) or value in (None, ""):
        return []
    if isinstance(value, Decimal):
        return [f"{value.normalize():f}"]
    return [value.isoformat(timespec="minutes") if isinstance(value, datetime) else str(value)]
