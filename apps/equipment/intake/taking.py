"""The one door for signals, whatever carried them: many at once, one transaction, the same however often they come."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from apps.core.actors import Actor, Origin
from apps.core.commands import Context, repeatable
from apps.equipment.actions import SEND_SIGNALS
from apps.equipment.intake.meaning import Doubtful, Meant, Raw, Rules, meanings, rule_of
from apps.equipment.intake.quarantine import keep_out, plain, shown
from apps.equipment.models import (
    Machine,
    MachineState,
    Meaning,
    ReasonWord,
    SignalMapping,
    SignalSource,
    WordOf,
)
from apps.equipment.timeline import Word
from apps.equipment.words import FOLLOW_TOPIC, Told, take_words
from apps.plant.models import Purpose, ReasonCode

LINE = Actor.system("signals", Origin.MACHINE)
# A change of a mapping is heeded within so many seconds.
REREAD_SECONDS = 2.0
# So many are shown of a source, and at most so often written down.
RECENT, RECENT_EVERY_SECONDS = 20, 1.0
_rules: dict[int, tuple[float, Rules]] = {}
_shown_at: dict[int, float] = {}

_SEEN = """
INSERT INTO equipment_seensignal (digest, at) SELECT * FROM unnest(%s::uuid[], %s::timestamptz[])
ON CONFLICT DO NOTHING RETURNING digest
"""
_COUNT = """
INSERT INTO equipment_countedminute (work_unit_id, site_id, counter, minute, quantity)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::numeric[])
ON CONFLICT (work_unit_id, counter, minute) DO UPDATE
   SET quantity = equipment_countedminute.quantity + excluded.quantity
"""


@dataclass
class Taken:
    """What became of them: words about states, counts that were new, counts known before, and what was kept out."""

    words: int = 0
    counts: int = 0
    known: int = 0
    reasons: int = 0
    kept_out: int = 0


def take_signals(
    source: SignalSource, raws: Sequence[Raw], rules: Rules | None = None, *, actor: Actor = LINE
) -> Taken:
    """Commits before it answers: whoever sent them may forget them then. Raises CommandRefused for who may not."""
    rules = rules or rules_of(source)
    sorted_out = _SortedOut()
    for raw in raws:
        for each in meanings(rules, raw):
            sorted_out.add(each)
    with repeatable("equipment.take_signals", actor) as context:
        context.allow(SEND_SIGNALS, at=source.scope)
        taken = _take(context, source, sorted_out)
        _show(source, raws)
    return taken


def _take(context: Context, source: SignalSource, sorted_out: _SortedOut) -> Taken:
    taken = Taken(words=sorted_out.words, reasons=len(sorted_out.reasons), kept_out=len(sorted_out.doubts))
    # The machines are locked from here on: of two who take the same signals the second sees the first.
    rows = take_words(context, sorted_out.told) if sorted_out.told else {}
    sites = {pk: row.site_id for pk, row in rows.items()}
    if sorted_out.counts:
        taken.counts = _count(sorted_out.counts, sites)
        taken.known = len(sorted_out.counts) + sorted_out.repeated - taken.counts
    if sorted_out.reasons:
        _name_reasons(context, sorted_out.reasons, sites)
    keep_out(source, sorted_out.doubts)
    return taken


class _SortedOut:
    def __init__(self) -> None:
        self.told: defaultdict[int, Told] = defaultdict(Told)
        self.counts: dict[UUID, Meant] = {}
        self.reasons: list[Meant] = []
        self.doubts: list[Doubtful] = []
        self.words = self.repeated = 0

    def add(self, each: Meant | Doubtful) -> None:
        if isinstance(each, Doubtful):
            self.doubts.append(each)
            return
        rule, at = each.rule, each.at
        news = self.told[rule.work_unit_id]
        news.hear(at)
        state = ""
        if rule.meaning == Meaning.STATE:
            state = each.value
        elif rule.meaning == Meaning.REASON:
            self.reasons.append(each)
        elif each.digest is not None:
            self.repeated += each.digest in self.counts
            self.counts[each.digest] = each
            state = MachineState.PRODUCING.value if rule.is_running and each.quantity else ""
        if state:
            self.words += 1
            news.words.append(Word(at, state, WordOf.SIGNAL.value))


def _count(counts: Mapping[UUID, Meant], sites: Mapping[int, int]) -> int:
    """How many were new."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [list(counts), [meant.at for meant in counts.values()]])
        new = [row[0] for row in cursor.fetchall()]
        sums: defaultdict[tuple[int, str, datetime], Decimal] = defaultdict(Decimal)
        for digest in new:
            meant = counts[digest]
            minute = meant.at.replace(second=0, microsecond=0)
            sums[meant.rule.work_unit_id, meant.rule.counter, minute] += meant.quantity
        rows = [(key[0], sites[key[0]], *key[1:], sums[key]) for key in sorted(sums)]
        if rows:
            cursor.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])
    return len(new)


def _name_reasons(context: Context, reasons: Iterable[Meant], sites: Mapping[int, int]) -> None:
    """Kept beside the states; the stops from there on are looked at again."""
    rows = [
        ReasonWord(
            work_unit_id=meant.rule.work_unit_id,
            site_id=sites[meant.rule.work_unit_id],
            at=meant.at,
            reason_id=int(meant.value),
        )
        for meant in reasons
    ]
    ReasonWord.objects.bulk_create(rows, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE equipment_machinenow AS machine SET look_from = least(machine.look_from, news.at) "
            "FROM (SELECT unit, min(at) AS at FROM unnest(%s::bigint[], %s::timestamptz[]) AS all_news (unit, at) "
            "GROUP BY unit) AS news WHERE machine.work_unit_id = news.unit",
            [[row.work_unit_id for row in rows], [row.at for row in rows]],
        )
    context.touch(FOLLOW_TOPIC)


def rules_of(source: SignalSource) -> Rules:
    """Read again when they are older than REREAD_SECONDS."""
    read_at, rules = _rules.get(source.pk, (float("-inf"), None))
    if rules is None or time.monotonic() - read_at > REREAD_SECONDS:
        rules = read_rules(source)
        _rules[source.pk] = time.monotonic(), rules
    return rules


def read_rules(source: SignalSource) -> Rules:
    mappings = list(SignalMapping.objects.filter(source=source, active=True).order_by("pk"))
    machines = {each.work_unit_id: each for each in Machine.objects.filter(work_unit__signal_mappings__source=source)}
    reasons = dict(ReasonCode.objects.filter(purpose=Purpose.DOWNTIME, active=True).values_list("code", "pk"))
    rules = Rules(source.pk)
    for mapping in mappings:
        choices: dict[str, str] = dict(mapping.choices)
        if mapping.meaning == Meaning.REASON:
            choices = {value: str(reasons[code]) for value, code in choices.items() if code in reasons}
        machine = machines.get(mapping.work_unit_id) or Machine()
        rule = rule_of(mapping, choices, skew_seconds=machine.clock_skew_seconds, oldest_hours=machine.oldest_hours)
        rules.add(mapping.tag, rule)
    return rules


def _show(source: SignalSource, raws: Sequence[Raw]) -> None:
    """For the page where mappings are tried."""
    if not raws or time.monotonic() - _shown_at.get(source.pk, float("-inf")) < RECENT_EVERY_SECONDS:
        return
    _shown_at[source.pk] = time.monotonic()
    recent = [
        {"tag": plain(raw.tag)[:200], "payload": shown(raw.payload), "received_at": raw.received_at.isoformat()}
        for raw in raws[-RECENT:]
    ]
    SignalSource.objects.filter(pk=source.pk).update(last_heard_at=raws[-1].received_at, recent=recent[::-1])
