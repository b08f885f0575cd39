"""What becomes of the items under way when a version is published: the plan, completed and judged before it may.

dry_run(version, context)    what it would do to the items that are under way now; changes nothing
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict

from apps.core.commands import Context
from apps.workflows.definition import StateSpec
from apps.workflows.graph import graph
from apps.workflows.kinds import KINDS, Kind, Move, kind_of
from apps.workflows.models import Course, MoveDecision, Policy, Version, VersionStatus, WorkflowItem
from apps.workflows.rows import to_definition


class LineSpec(BaseModel):
    """One line of a plan as it is entered; see MoveLine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_version_id: int
    from_state: str
    course: Course
    to_state: str = ""


class DecisionSpec(BaseModel):
    """An empty `to_state`: the item stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: int
    to_state: str = ""


@dataclass(frozen=True)
class Blocked:
    """An item that can't be moved, and why; or one that waits for a decision, without a sentence."""

    item_id: int
    name: str
    sentence: str = ""


@dataclass(frozen=True)
class Row:
    """The items of one state of one older version, `course` None: nobody has said yet.

    problem  why the plan can't be published so; empty: nothing
    blocked  items that stay although they should move: a rule of the kind forbids it
    open     items that wait for a decision      decided  those about which somebody has said something
    """

    from_version: Version
    state: StateSpec
    count: int
    course: Course | None
    target: StateSpec | None = None
    problem: str = ""
    blocked: Sequence[Blocked] = ()
    open: Sequence[Blocked] = ()
    decided: Sequence[Blocked] = ()
    decided_to_move: int = 0

    @property
    def moves(self) -> int:
        if self.course == Course.MOVE:
            return self.count - len(self.blocked)
        return self.decided_to_move

    @property
    def waits(self) -> int:
        return len(self.open)

    @property
    def stays(self) -> int:
        return self.count - self.moves - self.waits


@dataclass(frozen=True)
class DryRun:
    policy: Policy
    rows: Sequence[Row] = field(default_factory=tuple)

    @property
    def problems(self) -> list[str]:
        return [row.problem for row in self.rows if row.problem]

    @property
    def total(self) -> int:
        return sum(row.count for row in self.rows)

    @property
    def stay(self) -> int:
        return sum(row.stays for row in self.rows)

    @property
    def move(self) -> int:
        return sum(row.moves for row in self.rows)

    @property
    def decide(self) -> int:
        return sum(row.waits for row in self.rows)

    @property
    def blocked(self) -> list[Blocked]:
        return [one for row in self.rows for one in row.blocked]


def policy_of(version: Version) -> Policy:
    plan = getattr(version, "move_plan", None)
    return Policy(plan.policy) if plan else Policy.PIN


def older_versions(version: Version) -> list[Version]:
    """The others of the workflow that items may be under way in, newest first."""
    others = Version.objects.filter(workflow=version.workflow_id, status=VersionStatus.PUBLISHED)
    return list(others.exclude(pk=version.pk).order_by("-number"))


def under_way(kind: Kind, version_ids: Iterable[int]) -> Any:
    """A queryset of the items that have not reached an end."""
    on_the_way = sorted(set(kind.statuses.values) - kind.final_statuses)
    return kind.model._base_manager.filter(workflow_version__in=list(version_ids), status__in=on_the_way)


def keeps(old: StateSpec, new: StateSpec | None) -> bool:
    """Whether an item that goes from one to the other stays what it is for everything outside its workflow."""
    return new is not None and (old.status, old.phase) == (new.status, new.phase)


def why_not(kind: Kind, policy: Policy, old: StateSpec, new: StateSpec | None) -> str:
    """Why no plan may move items from `old` to `new`, whatever the items are; empty: it may."""
    if new is None:
        return _("the new version has no such state")
    if keeps(old, new):
        return "" if policy == Policy.PLAN or old.is_safe else _("the state is not safe to change the version in")
    if policy == Policy.SAFE:
        return _("in a safe state an item moves only to a state of the same status and phase")
    if old.kind == "hold":
        return _("a hold is left only by its release")
    if not kind.allows(old.status, new.status):
        return _("no %(item)s goes from %(old)s to %(new)s") % {
            "item": kind.label, "old": old.status, "new": new.status
        }  # fmt: skip
    return ""


def lines_of(version: Version, policy: Policy) -> list[LineSpec]:
    """Those entered, and for safe states those that follow by themselves: to the state of the same code."""
    entered = [
        LineSpec(
            from_version_id=line.from_version_id,
            from_state=line.from_state,
            course=Course(line.course),
            to_state=line.to_state,
        )
        for line in version.move_lines.all()
    ]
    if policy != Policy.SAFE:
        return entered
    said = {(line.from_version_id, line.from_state) for line in entered}
    new = {state.code: state for state in to_definition(version).states}
    return entered + [
        LineSpec(from_version_id=older.pk, from_state=old.code, course=Course.MOVE, to_state=old.code)
        for older in older_versions(version)
        for old in graph(older).states.values()
        if (older.pk, old.code) not in said
        and old.kind != "final" and old.is_safe and keeps(old, new.get(old.code))
    ]  # fmt: skip


def straight_lines(version: Version, renamed: Mapping[str, str] | None = None) -> list[LineSpec]:
    """Every state to the one of the same code, or of its new code, where status and phase stay; all others stay."""
    new = {state.code: state for state in to_definition(version).states}
    lines = []
    for older in older_versions(version):
        for old in graph(older).states.values():
            code = (renamed or {}).get(old.code, old.code)
            if old.kind == "final":
                continue
            course = Course.MOVE if keeps(old, new.get(code)) else Course.STAY
            to_state = code if course == Course.MOVE else ""
            lines.append(
                LineSpec(from_version_id=older.pk, from_state=old.code, course=course, to_state=to_state)
            )  # fmt: skip
    return lines


def dry_run(version: Version, context: Context) -> DryRun:
    """What the plan does to the items under way now; `context` is asked for time and actor only.

    A fixed number of queries, and those of the kind's invariants for each item whose status would change.
    """
    policy, kind = policy_of(version), KINDS.get(version.workflow.kind)
    if kind is None:
        return DryRun(policy)
    older = older_versions(version)
    counts: dict[tuple[int, str], int] = {
        (row["workflow_version_id"], row["state"]): row["n"]
        for row in under_way(kind, [one.pk for one in older])
        .values("workflow_version_id", "state").order_by().annotate(n=Count("pk"))
    }  # fmt: skip
    judged = _Judged(version, kind, context)
    rows = []
    for one in older:
        is_used = any(version_id == one.pk for version_id, __ in counts)
        for state in graph(one).states.values():
            line = judged.lines.get((one.pk, state.code))
            if state.kind != "final" and (is_used or line):
                rows.append(judged.row(one, state, counts.get((one.pk, state.code), 0)))
    return DryRun(policy, rows)


class _Judged:
    """What one plan says of each state."""

    def __init__(self, version: Version, kind: Kind, context: Context) -> None:
        self.version, self.kind, self.context = version, kind, context
        self.policy = policy_of(version)
        self.new = {state.code: state for state in to_definition(version).states}
        self.lines = {(line.from_version_id, line.from_state): line for line in lines_of(version, self.policy)}
        self.decisions: dict[int, MoveDecision] = {row.item_id: row for row in version.move_decisions.all()}

    def row(self, older: Version, state: StateSpec, count: int) -> Row:
        line = self.lines.get((older.pk, state.code))
        if self.policy == Policy.PIN or (line is None and self.policy == Policy.SAFE):
            return Row(older, state, count, Course.STAY)
        if line is None:
            problem = _("%(version)s, %(state)s: say what becomes of these items.")
            return Row(older, state, count, None, problem=problem % self._names(older, state))
        if line.course == Course.STAY:
            return Row(older, state, count, Course.STAY)
        if line.course == Course.DECIDE:
            return self._decided(older, state, count)
        target = self.new.get(line.to_state)
        reason = why_not(self.kind, self.policy, state, target)
        if reason or target is None:
            problem = f"{older}, {state.code} → {line.to_state}: {reason}."
            return Row(older, state, count, Course.MOVE, target, problem)
        blocked = [] if keeps(state, target) or not count else self._refused(older, state, target)
        return Row(older, state, count, Course.MOVE, target, blocked=blocked)

    def _names(self, older: Version, state: StateSpec) -> dict[str, str]:
        return {"version": str(older), "state": state.code}

    def _decided(self, older: Version, state: StateSpec, count: int) -> Row:
        if self.policy == Policy.SAFE:
            problem = _("%(version)s, %(state)s: in safe states nothing is decided for each item.")
            return Row(older, state, count, Course.DECIDE, problem=problem % self._names(older, state))
        waiting: list[Blocked] = []
        decided: list[Blocked] = []
        blocked: list[Blocked] = []
        moving, problem = 0, ""
        for item in self._items(older, state):
            decision = self.decisions.get(item.pk)
            (waiting if decision is None else decided).append(Blocked(item.pk, str(item)))
            if decision is not None and decision.to_state:
                target = self.new.get(decision.to_state)
                reason = why_not(self.kind, self.policy, state, target)
                if reason or target is None:
                    problem = problem or f"{item} → {decision.to_state}: {reason}."
                elif refusal := forbidden(item, state, target, self.version, self.context):
                    blocked.append(Blocked(item.pk, str(item), refusal))
                else:
                    moving += 1
        return Row(
            older,
            state,
            count,
            Course.DECIDE,
            problem=problem,
            blocked=blocked,
            open=waiting,
            decided=decided,
            decided_to_move=moving,
        )

    def _refused(self, older: Version, state: StateSpec, target: StateSpec) -> list[Blocked]:
        return [
            Blocked(item.pk, str(item), refusal)
            for item in self._items(older, state)
            if (refusal := forbidden(item, state, target, self.version, self.context))
        ]

    def _items(self, older: Version, state: StateSpec) -> Iterable[WorkflowItem]:
        items: Iterable[WorkflowItem] = (
            under_way(self.kind, [older.pk]).filter(state=state.code).select_related(*self.kind.reads).order_by("pk")
        )
        return items


def move_by_plan(old: StateSpec, new: StateSpec, version: Version) -> Move:
    """As invariants and hooks are told of it: no edge has been taken, and nothing was asked for."""
    return Move(
        edge="",
        from_state=old.code,
        to_state=new.code,
        from_status=old.status,
        to_status=new.status,
        version_id=version.pk,
        requires=frozenset(),
        from_phase=old.phase,
        to_phase=new.phase,
    )


def inputs_of_plan(version: Version) -> dict[str, Any]:
    """Not empty, or an invariant would think that a screen asks what is possible."""
    return {"workflow_version": version.pk}


def forbidden(item: WorkflowItem, old: StateSpec, new: StateSpec, version: Version, context: Context) -> str:
    """The sentence of the kind's invariant that refuses; empty where status and phase stay: what held goes on."""
    if keeps(old, new):
        return ""
    move, inputs = move_by_plan(old, new, version), inputs_of_plan(version)
    refusals = (invariant(item, move, context, inputs) for invariant in kind_of(type(item)).invariants)
    return next((refusal.sentence for refusal in refusals if refusal), "")


def to_be_moved(kind: Kind, version: Version, line_ids: Sequence[int] | None) -> Any:
    """A queryset of the items that a published plan moves from where they are now; `line_ids` None: on all lines."""
    states: defaultdict[int, list[str]] = defaultdict(list)
    deciding: defaultdict[int, list[str]] = defaultdict(list)
    for line in version.move_lines.exclude(course=Course.STAY):
        (states if line.course == Course.MOVE else deciding)[line.from_version_id].append(line.from_state)
    decided = [row.item_id for row in version.move_decisions.exclude(to_state="")]
    wanted = Q(pk__in=[])
    for older, codes in states.items():
        wanted |= Q(workflow_version=older, state__in=codes)
    for older, codes in deciding.items():
        wanted |= Q(workflow_version=older, state__in=codes, pk__in=decided)
    items = under_way(kind, {*states, *deciding}).filter(wanted)
    if line_ids is not None and kind.line:
        items = items.filter(**{f"{kind.line}__in": line_ids})
    return items
