"""Goes through the moves of the past in the order of the ledger, segment by segment, and counts what a draft would have
done with them beside what the version in force does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from apps.core import clock
from apps.workflows.definition import Definition
from apps.workflows.kinds import Aftermath, Kind
from apps.workflows.models import Version
from apps.workflows.simulate.borrowed import Meant
from apps.workflows.simulate.facts import Basis, FactsThen, grouped
from apps.workflows.simulate.judging import Answer, Certainty, Judge, Reason
from apps.workflows.simulate.past import (
    Moved,
    Span,
    Stretch,
    Takings,
    moves,
    segment,
    stretch,
    takings_before,
    touching_nothing,
)
from apps.workflows.simulate.people_then import PeopleThen
from apps.workflows.simulate.plan import Fate, Plan
from apps.workflows.simulate.result import LISTED, Guess, Result, Stop, StoppedItem, Tally
from apps.workflows.simulate.rules.listening import Listening

# What the kind's app is asked about at once.
_NAMED_AT_ONCE = 500


def replay(
    kind: Kind,
    definition: Definition,
    befores: dict[int, Definition],
    in_force: Version | None,
    span: Span,
    *,
    is_borrowed: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> Result:
    """Touches nothing: each segment is read in a transaction in which the database refuses to write.

    befores      versions under which items moved, by id; one of them may be `in_force`, which the draft is laid beside
    is_borrowed  they are of other workflows: items count that the draft would have been for, or all if it is for none
    progress     is told how many of how many moves are done, between two segments
    """
    now = clock.now()
    since = now - timedelta(days=span.days) if span.days else None
    with touching_nothing():
        rows = moves(kind.code, befores)
        found = stretch(rows, span, now, since or now)

    def through(meant: Meant | None) -> Result:
        with touching_nothing():
            tried = _Tried(kind, definition, befores, since or now)
            beside = _Tried(kind, befores[in_force.pk], befores, since or now) if in_force else None
        both = _Both(kind, tried, beside)
        after, done = found.first - 1, 0
        while True:
            with touching_nothing():
                taken = [Moved(*row) for row in segment(rows, Moved._fields, after, found.last, since)]
                both.take([move for move in taken if meant is None or move in meant], found)
            if not taken:
                break
            after, done = taken[-1].id, done + len(taken)
            progress(min(done, found.total), found.total)
        with touching_nothing():
            return both.result(in_force)

    result = through(Meant(kind, definition) if is_borrowed else None)
    is_meant = bool(result.judged) or not found.total
    if is_borrowed and not is_meant:
        result = through(None)
    return result.model_copy(update={"is_borrowed": is_borrowed, "is_meant": is_meant})


class _Tried:
    """One version laid over the past, and what it comes to."""

    def __init__(self, kind: Kind, definition: Definition, befores: dict[int, Definition], since: datetime) -> None:
        roles = {role for edge in definition.edges for role in edge.roles}
        roles |= {role for before in befores.values() for edge in before.edges for role in edge.roles}
        skills = {skill for edge in definition.edges for skill in edge.skills}
        self.kind = kind
        self.facts = FactsThen(kind)
        self.plan = Plan(definition, befores)
        self.judge = Judge(self.plan, self.facts, PeopleThen.read(sorted(roles), sorted(skills), since))
        self.takings: Takings = {}
        self._seen: set[int] = set()
        self._stopped: set[int] = set()
        self._stuck: set[int] = set()
        self._stops: Counter[tuple[str, str, Reason, str]] = Counter()
        self._sure: Counter[Certainty] = Counter()
        self._counts: Counter[str] = Counter()

    def prepare(self, moves: Sequence[Moved], first: int) -> None:
        rows = [move for move in moves if self.judge.needs_row(move)]
        places = [move for move in moves if self.judge.needs_place(move)]
        self.facts.load([*rows, *places], rows=bool(rows))
        watched = self.plan.watched
        new = {move.item_id for move in moves} - self._seen if watched else set()
        if new:
            self.takings |= takings_before(self.kind.code, new, watched, first)

    def take(self, move: Moved) -> Answer:
        answer, match = self.judge.answer(move, self.takings), self.judge.match(move)
        item_id = move.item_id
        self._seen.add(item_id)
        self._sure[answer.certainty] += 1
        self._counts["renamed"] += match.fate == Fate.RENAMED
        self._counts["elsewhere"] += match.leads_elsewhere
        self._counts["asks_more"] += answer.asks_more and answer.reason is None
        if answer.reason is not None and answer.certainty != Certainty.IMPOSSIBLE:
            self._stopped.add(item_id)
            self._counts["stopped"] += 1
            self._stops[move.data["edge"], match.step, answer.reason, answer.detail] += 1
            if self.judge.is_stuck(move):
                self._stuck.add(item_id)
        code = match.edge.spec.code if match.edge else move.data["edge"]
        if code in self.plan.watched:
            self.takings.setdefault((item_id, code), []).append(move.actor_id)
        return answer

    def is_stuck(self, item_id: int) -> bool:
        return item_id in self._stuck

    def tally(self) -> Tally:
        fields = self.kind.fields
        return Tally(
            moves=sum(self._sure.values()),
            items=len(self._seen),
            items_stopped=len(self._stopped),
            stuck=len(self._stuck),
            **{certainty.value: self._sure[certainty] for certainty in Certainty},
            **{name: self._counts[name] for name in ("stopped", "renamed", "elsewhere", "asks_more")},
            stops=[
                Stop(edge=edge, step=step, reason=reason, detail=detail, moves=times)
                for (edge, step, reason, detail), times in self._stops.most_common()
            ],
            guesses=[
                Guess(
                    field=name,
                    label=str(fields[name].label),
                    row=by.get(Basis.ROW.value, 0),
                    now=by.get(Basis.NOW.value, 0),
                )
                for name, by in sorted(grouped(self.facts.guessed).items())
            ],
        )


class _Both:
    def __init__(self, kind: Kind, tried: _Tried, beside: _Tried | None) -> None:
        self.kind, self.tried, self.beside = kind, tried, beside
        self._items: dict[int, StoppedItem] = {}
        self._ends: list[datetime] = []
        self._listening = Listening(kind.code)

    def take(self, moves: Sequence[Moved], found: Stretch) -> None:
        for each in filter(None, (self.tried, self.beside)):
            each.prepare(moves, found.first)
        for move in moves:
            self._take(move)

    def _take(self, move: Moved) -> None:
        answer = self.tried.take(move)
        before = self.beside.take(move) if self.beside else None
        self._ends = (
            [min(self._ends[0], move.occurred_at), max(self._ends[1], move.occurred_at)]
            if self._ends
            else [
                move.occurred_at,
                move.occurred_at,
            ]
        )
        is_stopped = answer.reason is not None and answer.certainty != Certainty.IMPOSSIBLE
        also_before = before is not None and before.reason is not None
        if is_stopped and not also_before:
            self._listening.note(move)
        if answer.reason is None or not is_stopped or move.item_id in self._items or len(self._items) >= LISTED:
            return
        match = self.tried.judge.match(move)
        self._items[move.item_id] = StoppedItem(
            item_id=move.item_id,
            event_id=move.id,
            at=move.occurred_at,
            state=match.state,
            edge=move.data["edge"],
            step=match.step,
            reason=answer.reason,
            detail=answer.detail,
            certainty=answer.certainty,
            is_stuck=self.tried.is_stuck(move.item_id),
            also_before=also_before,
            wait_seconds=int(answer.wait.total_seconds()) if answer.wait is not None else None,
        )

    def result(self, in_force: Version | None) -> Result:
        items = list(self._items.values())
        for start in range(0, len(items), _NAMED_AT_ONCE):
            _tell_what_happened(self.kind, items[start : start + _NAMED_AT_ONCE])
        return Result(
            since=self._ends[0] if self._ends else None,
            until=self._ends[1] if self._ends else None,
            draft=self.tried.tally(),
            before=self.beside.tally() if self.beside else None,
            before_number=in_force.number if in_force else None,
            before_name=in_force.workflow.name if in_force else "",
            items=items,
            unheard=dict(self._listening.steps.most_common()),
        )


def _tell_what_happened(kind: Kind, items: Sequence[StoppedItem]) -> None:
    told: Iterable[Aftermath | None] = [None] * len(items)
    if kind.aftermath is not None:
        told = kind.aftermath([(item.item_id, item.at) for item in items])
    for item, after in zip(items, told, strict=True):
        item.name = after.name if after else f"{kind.label} {item.item_id}"
        if after:
            item.place, item.scrap, item.unit = after.place, str(after.scrap), after.unit
            item.afterwards = after.sentence
