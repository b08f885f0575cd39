"""What has happened to a version of a rule, as the ledger tells it; what it did is on its own page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.models import LedgerEvent
from apps.plant.models import WorkCenter
from apps.workflows.models import RuleStop, RuleVersion
from apps.workflows.rules import events
from apps.workflows.story import LONGEST, Life, Told, last_days, saves_in_a_row


def story_of_rule(version: RuleVersion) -> list[Told]:
    """The last first. Saves in a row by one person are one entry; switches that were off in all versions are among
    them. Four queries at most.
    """
    of_version = Q(data__version_id=version.pk) | Q(kind__in=_SWITCHES, data__version_id=None)
    of_rule = LedgerEvent.objects.filter(subject_kind=events.SUBJECT, subject_id=str(version.rule_id), kind__in=WORDS)
    found = list(of_rule.filter(of_version).order_by("-id")[:LONGEST])
    telling = _Telling(
        version=version,
        numbers=dict(version.rule.versions.values_list("pk", "number")),
        stops=RuleStop.objects.in_bulk({event.data["stop_id"] for event in found if event.data.get("stop_id")}),
        lines=_lines({event.data["work_center_id"] for event in found if event.data.get("work_center_id")}),
    )
    return saves_in_a_row(telling.tell(event) for event in found)


def _lines(ids: set[int]) -> dict[int, str]:
    return {line.pk: str(line) for line in WorkCenter.objects.filter(pk__in=ids)} if ids else {}


@dataclass(frozen=True)
class _Telling(Life):
    stops: Mapping[int, RuleStop]
    lines: Mapping[int, str]

    def tell(self, event: LedgerEvent) -> Told:
        told = Told(at=event.occurred_at, who=event.actor_id, what="")
        return WORDS[event.kind](self, told, event.data)

    def replaced(self, told: Told, data: Mapping[str, Any]) -> Told:
        return replace(
            told, what=_("replaced by version %(number)s") % {"number": self.numbers.get(data["by_id"], "?")}
        )

    def tried(self, told: Told, data: Mapping[str, Any]) -> Told:
        count = data["events"]
        past = ngettext("the last event", "the last %(n)s events", count) % {"n": count}
        past = last_days(data["days"]) if data["days"] else past
        return replace(told, what=_("simulated on %(past)s") % {"past": past})

    def off(self, told: Told, data: Mapping[str, Any]) -> Told:
        stop = self.stops.get(data["stop_id"])
        if data["version_id"] is None:
            return replace(told, what=_("switched off everywhere"), note=stop.reason if stop else "")
        return replace(told, what=_("switched itself off, having failed: %(where)s") % {"where": self._where(data)})

    def on(self, told: Told, data: Mapping[str, Any]) -> Told:
        return replace(told, what=_("switched on again: %(where)s") % {"where": self._where(data)})

    def _where(self, data: Mapping[str, Any]) -> str:
        stop = self.stops.get(data["stop_id"] or 0)
        line = self.lines.get(data["work_center_id"] or 0)
        return line or str((stop and stop.site) or _("everywhere"))


_SWITCHES = (events.RuleSwitchedOff.kind, events.RuleSwitchedOn.kind)
WORDS: dict[str, Callable[[_Telling, Told, Mapping[str, Any]], Told]] = {
    events.RuleDraftCreated.kind: _Telling.created,
    events.RuleDraftSaved.kind: _Telling.saved,
    events.RuleReviewRequested.kind: _Telling.submitted,
    events.RuleDraftReturned.kind: _Telling.returned,
    events.RuleDraftTried.kind: _Telling.tried,
    events.RulePublished.kind: _Telling.published,
    events.RuleReplaced.kind: _Telling.replaced,
    events.RuleTookEffect.kind: _Telling.took_effect,
    events.RuleWidened.kind: _Telling.widened,
    events.RuleRolledBack.kind: _Telling.rolled_back,
    events.RuleRetired.kind: _Telling.retired,
    events.RuleSwitchedOff.kind: _Telling.off,
    events.RuleSwitchedOn.kind: _Telling.on,
}
