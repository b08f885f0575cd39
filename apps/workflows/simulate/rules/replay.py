"""Goes through the events of the past in the order of the ledger, segment by segment, and counts what a draft of a rule
would have done about them beside what the version in force does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.models import LedgerEvent
from apps.workflows.kinds import KINDS
from apps.workflows.models import RuleStop, RuleVersion
from apps.workflows.rules.check import event_label
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import SUBJECT, RuleFired
from apps.workflows.rules.facts import facts_of
from apps.workflows.rules.in_force import LiveRule, spec_of
from apps.workflows.simulate.facts import Basis
from apps.workflows.simulate.judging import Certainty, least
from apps.workflows.simulate.past import Span, Stretch, segment, stretch, touching_nothing
from apps.workflows.simulate.rules.facts import Happened, Memory, PastReader, happened
from apps.workflows.simulate.rules.judging import Answer, Outcome, Tried
from apps.workflows.simulate.rules.result import LISTED, PROBLEMS, Difference, Differs, RuleGuess, RuleResult, RuleTally
from apps.workflows.surroundings import Surroundings
from apps.workflows.telling import effect_in_a_line


def replay_rule(
    version: RuleVersion,
    spec: RuleSpec,
    in_force: RuleVersion | None,
    span: Span,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> RuleResult:
    """Touches nothing, and takes both as switched on all the time. `spec`: the content of the version.

    in_force  what the version is laid beside, by the same replay
    progress  is told how many of how many events are done, between two segments
    """
    now = clock.now()
    since = now - timedelta(days=span.days) if span.days else None
    memory = Memory()
    before = spec_of(in_force) if in_force else None
    tried = Tried(_live(version, spec), memory)
    beside = Tried(_live(in_force, before), memory) if in_force and before else None
    both = _Both(tried, beside, memory, version.rule_id, since)
    rows = happened({each.rule.spec.event for each in both.each})
    with touching_nothing():
        both.found = stretch(rows, span, now, since or now)
        after, since_then = both.begin(rows)
    while True:
        with touching_nothing():
            taken = [Happened(*row) for row in segment(rows, Happened._fields, after, both.found.last, since_then)]
            both.take(taken)
        if not taken:
            break
        after = taken[-1].id
        progress(min(both.done, both.found.total), both.found.total)
    with touching_nothing():
        return both.result(now, in_force.number if in_force and before else None)


def _live(version: RuleVersion, spec: RuleSpec) -> LiveRule:
    return LiveRule(rule_id=version.rule_id, version_id=version.pk, number=version.number, spec=spec, off_at=())


@dataclass
class _Sum:
    """What one of the two comes to."""

    events: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    sure: Counter[Certainty] = field(default_factory=Counter)
    guesses: Counter[tuple[str, Basis]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    problems: dict[str, None] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        if answer.outcome == Outcome.OTHER_EVENT:
            return
        self.events += 1
        self.outcomes[answer.outcome] += 1
        self.sure[answer.certainty] += 1
        self.guesses.update(answer.guesses)
        if answer.outcome == Outcome.UNKNOWN:
            self.unknown[answer.detail] += 1
        if answer.outcome == Outcome.BROKEN and len(self.problems) < PROBLEMS:
            self.problems[answer.detail] = None

    def tally(self, spec: RuleSpec) -> RuleTally:
        facts = facts_of(spec.event)
        names = sorted({name for name, __ in self.guesses} | self.unknown.keys())
        return RuleTally(
            events=self.events,
            acts=self.outcomes[Outcome.ACTS],
            **{certainty.value: self.sure[certainty] for certainty in Certainty},
            outcomes=dict(self.outcomes.most_common()),
            guesses=[
                RuleGuess(
                    fact=name,
                    label=str(facts[name].label) if name in facts else name,
                    row=self.guesses[name, Basis.ROW],
                    now=self.guesses[name, Basis.NOW],
                    unknown=self.unknown[name],
                )
                for name in names
            ],
            problems=list(self.problems),
        )


@dataclass(slots=True)
class _Open:
    """An event that one of the two acts on, or looks at again later; None: it has not answered yet."""

    event_id: int
    kind: str
    at: datetime
    subject: str
    line: str
    answers: list[Answer | None]


class _Both:
    """`since`: None for a span of events."""

    def __init__(
        self, tried: Tried, beside: Tried | None, memory: Memory, rule_id: int, since: datetime | None
    ) -> None:
        self.each = [tried, beside] if beside else [tried]
        self.memory, self.rule_id, self.since = memory, rule_id, since
        self.found = Stretch(first=0, last=-1, total=0)
        self.done = 0
        self._now: datetime | None = None
        self._sums = [_Sum() for _ in self.each]
        self._open: dict[int, _Open] = {}
        self._ends: tuple[datetime, datetime] | None = None
        self._differs: Counter[Differs] = Counter()
        self._differences: list[Difference] = []
        self._really: set[int] = set()
        self._counted_really = 0
        self._does = [[effect_in_a_line(one) for one in each.rule.spec.actions] for each in self.each]

    @property
    def _same_actions(self) -> bool:
        return self.each[0].rule.spec.actions == self.each[-1].rule.spec.actions

    def begin(self, rows: QuerySet[LedgerEvent]) -> tuple[int, datetime | None]:
        """Where to begin reading: so far before the stretch that what is counted and rests by then is known."""
        reach = max(each.counted.reach + each.rule.spec.after for each in self.each)
        first = rows.filter(pk=self.found.first).values_list("occurred_at", flat=True).first()
        if first is None or not reach:
            return self.found.first - 1, self.since
        read_from = min(first, self.since or first) - reach
        earlier = rows.filter(pk__lt=self.found.first)
        begins = earlier.filter(occurred_at__gte=read_from).aggregate(first=Min("pk"))["first"] or self.found.first
        if earlier.filter(pk__lt=begins).exists():
            for each in self.each:
                each.counted.doubt(read_from + each.rule.spec.after)
        return begins - 1, read_from

    # ---- segment by segment

    def take(self, events: Sequence[Happened]) -> None:
        if not events:
            return
        self.memory.load(events, self._instants)
        self.memory.load_depths(events)
        self._load_really(events)
        for event in events:
            self._take(event)
        for each in self.each:
            each.counted.forget(self._now or events[-1].occurred_at)

    def _instants(self, event: Happened) -> set[datetime]:
        """At which its subject's row will be asked for."""
        found = set()
        for each in self.each:
            if each.follows(event) and each.asks_beyond:
                reader = PastReader(event, event.occurred_at, self.memory)
                found |= {event.occurred_at, each.due_at(reader)}
        return found

    def _take(self, event: Happened) -> None:
        self._now = now = max(self._now or event.occurred_at, event.occurred_at)
        self._resolve(now)
        reader = PastReader(event, event.occurred_at, self.memory)
        answers = [each.take(event, reader, now) for each in self.each]
        if event.id < self.found.first or (self.since is not None and event.occurred_at < self.since):
            return
        self.done += 1
        begins, ends = self._ends or (event.occurred_at, event.occurred_at)
        self._ends = min(begins, event.occurred_at), max(ends, event.occurred_at)
        self._counted_really += event.id in self._really
        if None not in answers and not any(answer is not None and answer.acts for answer in answers):
            self._add(answers)
            return
        around = reader.around
        opened = _Open(event.id, event.kind, reader.occurred_at, _subject(event, around), around.line, answers)
        if None in answers:
            self._open[event.id] = opened
        else:
            self._settle(opened)

    def _resolve(self, until: datetime) -> None:
        for number, each in enumerate(self.each):
            for event_id, answer in each.resolve(until):
                self._answered(event_id, number, answer)

    def _answered(self, event_id: int, number: int, answer: Answer) -> None:
        """Of an event before the stretch nothing is kept."""
        opened = self._open.get(event_id)
        if opened is not None:
            opened.answers[number] = answer
            if None not in opened.answers:
                self._settle(self._open.pop(event_id))

    def _add(self, answers: Sequence[Answer | None]) -> None:
        for total, answer in zip(self._sums, answers, strict=True):
            assert answer is not None, "all have answered"
            total.add(answer)

    def _settle(self, opened: _Open) -> None:
        self._add(opened.answers)
        draft, before = [*opened.answers, Answer(Outcome.OTHER_EVENT)][:2]
        assert draft, "all have answered"
        assert before, "all have answered"
        certainty = least(draft.certainty, before.certainty)
        if certainty == Certainty.IMPOSSIBLE or not (draft.acts or before.acts):
            return
        if draft.acts and before.acts:
            if self._same_actions and draft.at == before.at:
                return
            differs, other = Differs.OTHERWISE, None
        else:
            differs, other = (Differs.MORE, before) if draft.acts else (Differs.LESS, draft)
        self._differs[differs] += 1
        if len(self._differences) >= LISTED:
            return
        acts_at = draft.at if draft.acts else before.at
        self._differences.append(
            Difference(
                event_id=opened.event_id,
                event=event_label(opened.kind),
                at=opened.at,
                acts_at=acts_at or opened.at,
                subject=opened.subject,
                line=opened.line,
                differs=differs,
                why=other.outcome if other and len(self.each) > 1 else None,
                also=other.detail if other else "",
                certainty=certainty,
                really=opened.event_id in self._really,
            )
        )

    # ---- what really happened

    def _load_really(self, events: Sequence[Happened]) -> None:
        """On which of them the rule did act then; kept while one of the two has still to look at them."""
        told = LedgerEvent.objects.filter(
            kind=RuleFired.kind,
            subject_kind=SUBJECT,
            subject_id=str(self.rule_id),
            id__gt=events[0].id,
            data__event_id__gte=events[0].id,
            data__event_id__lte=events[-1].id,
        )
        self._really &= self._open.keys()
        self._really |= set(told.values_list("data__event_id", flat=True))

    def result(self, now: datetime, before_number: int | None) -> RuleResult:
        self._resolve(now)
        for number, each in enumerate(self.each):
            for event_id, answer in each.give_up():
                self._answered(event_id, number, answer)
        tallies = [total.tally(each.rule.spec) for total, each in zip(self._sums, self.each, strict=True)]
        begins, ends = self._ends or (None, None)
        stops = RuleStop.objects.filter(rule=self.rule_id, stopped_at__lte=ends or now)
        return RuleResult(
            since=begins,
            until=ends,
            draft=tallies[0],
            before=tallies[1] if len(tallies) > 1 else None,
            before_number=before_number,
            actions=self._does[0],
            actions_before=self._does[1] if len(self._does) > 1 else [],
            really=self._counted_really,
            was_off=begins is not None and stops.exclude(resumed_at__lte=begins).exists(),
            **{differs.value: self._differs[differs] for differs in Differs},
            differences=sorted(self._differences, key=lambda one: one.event_id),
        )


def _subject(event: Happened, around: Surroundings) -> str:
    """What people call it: the operation of an order, the lot, the machine."""
    order = around.work_order
    if around.operation:
        order = _("%(order)s op %(sequence)s") % {"order": order, "sequence": around.operation}
    names = [order, around.lot, around.station]
    kind = KINDS.get(event.subject_kind)
    label = str(kind.label) if kind else event.subject_kind.replace("_", " ")
    return next(filter(None, names), f"{label} {event.subject_id}")
