"""What must be true of things, history and ledger whatever anybody did: told from the definitions that were published
and from what each act answered, without asking the engine.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.workflows.definition import EdgeSpec, StateSpec
from apps.workflows.events import EdgeSigned, ItemMovedToVersion, StateChanged
from apps.workflows.models import Policy, Signature, SignedStep, Version
from apps.workflows.rows import to_definition
from tests.workflows.machine.causes import is_due
from tests.workflows.machine.floor import PAST, Born, Done, Floor, Manner, Member, Published
from tests.workflows.machine.graphs import EXPRESSIONS
from tests.workflows.testapp.effects import Rung
from tests.workflows.testapp.kinds import MOVES
from tests.workflows.testapp.models import PlainThing, Thing, ThingStatus

COMPARED = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">=": operator.ge,
    "in": lambda value, allowed: value in allowed,
    "not empty": lambda value, _: value not in (None, "", []),
}

TYPES = {"number": int, "choice": str, "text": str, "boolean": bool, "lot": str}


class Broken(AssertionError):
    """findings: (what has to hold, how it does not)"""

    def __init__(self, findings: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{name}: {how}" for name, how in findings))
        self.findings = findings


def insist(floor: Floor) -> None:
    """Raises Broken with everything that does not hold."""
    findings = list(Truth(floor).findings())
    if findings:
        raise Broken(findings)


@dataclass
class Walk:
    """One thing's way so far, as the ledger tells it."""

    born: Born
    published: Published
    state: str
    since: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[int, str]] = field(default_factory=list)
    # Edge -> ids of people who have taken or signed it.
    people: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def spec_of(self, code: str) -> StateSpec:
        return next(state for state in self.published.definition.states if state.code == code)


class Truth:
    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.events: defaultdict[str, list[LedgerEvent]] = defaultdict(list)
        self.by_command: defaultdict[Any, list[LedgerEvent]] = defaultdict(list)
        for event in LedgerEvent.objects.order_by("id"):
            self.events[event.kind].append(event)
            self.by_command[event.command_id].append(event)
        self.steps = {step.taken_event_id: step for step in SignedStep.objects.exclude(taken_event_id=None)}
        self.signatures: defaultdict[int, list[Signature]] = defaultdict(list)
        for signature in Signature.objects.all():
            self.signatures[signature.step_id].append(signature)
        self.history: defaultdict[int, list[Any]] = defaultdict(list)
        for row in Thing.history.order_by("history_id"):
            self.history[row.id].append(row)
        self.things = {thing.pk: thing for thing in Thing.objects.all()}
        self.members = {member.actor.person_id: member for member in floor.cast}
        self.done = {done.command_id: done for done in floor.done}

    def findings(self) -> Iterator[tuple[str, str]]:
        for said in self.floor.wrongly_judged:
            yield "published", said
        yield from self._versions()
        for done in self.floor.done:
            for name, how in self._act(done):
                yield name, f"{done.act}: {done.edge} of {done.item_id}: {how}"
        yield from self._ledger()
        for born in self.floor.born.values():
            for name, how in self._thing(born):
                yield name, f"thing {born.pk}: {how}"

    # ---- versions

    def _versions(self) -> Iterator[tuple[str, str]]:
        numbers = [one.version.number for one in self.floor.published.values()]
        if numbers != sorted(set(numbers)):
            yield "numbers", f"published in the order {numbers}"
        rows = {row.pk: row for row in Version.objects.select_related("workflow").filter(published_at__isnull=False)}
        if rows.keys() != self.floor.published.keys():
            yield "published", f"{sorted(rows)} are published, not {sorted(self.floor.published)}"
        for pk in rows.keys() & self.floor.published.keys():
            if to_definition(rows[pk]) != self.floor.published[pk].definition:
                yield "published", f"version {pk} has changed since"

    # ---- acts

    def _act(self, done: Done) -> Iterator[tuple[str, str]]:
        """Each is a move or a refusal, told once."""
        told = Counter(event.kind for event in self.by_command[done.command_id])
        moves = [e for e in self.by_command[done.command_id] if e.kind == StateChanged.kind]
        if done.error is not None:
            yield "answer", f"neither done nor refused: {type(done.error).__name__}: {done.error}"
        if len(moves) != done.is_taken:
            yield "ledger", f"told {len(moves)} times, answer {done.answer}"
        refusals = told[ATTEMPT_REFUSED]
        if refusals != (done.refusal is not None and done.act.manner not in PAST):
            yield "ledger", f"{refusals} refusals told, answer {done.refusal or done.answer}"
        if done.refusal is not None and set(told) - {ATTEMPT_REFUSED}:
            yield "ledger", f"refused ({done.refusal.code}), and yet {sorted(told)}"
        if done.refusal is not None and not is_due(self.floor, done):
            yield "refused", f"without a cause: {done.refusal.code} {done.refusal.facts}"
        yield from self._as_answered(done, moves)

    def _as_answered(self, done: Done, moves: list[LedgerEvent]) -> Iterator[tuple[str, str]]:
        for event in moves:
            if (event.subject_kind, event.subject_id, event.data["edge"]) != ("thing", str(done.item_id), done.edge):
                yield "ledger", f"the event tells of {event.subject_id}: {event.data['edge']}"
            if done.edge in done.stopped:
                yield "stopped", "taken while it was stopped"
            if isinstance(done.answer, str) and done.answer != event.data["to_state"]:
                yield "answer", f"the answer is {done.answer}, the event says {event.data['to_state']}"

    def _ledger(self) -> Iterator[tuple[str, str]]:
        for event in self.events[StateChanged.kind]:
            if event.command_id not in self.done:
                yield "ledger", f"event {event.pk} is of no act: {event.data}"
        rung = Counter(event.command_id for event in self.events[Rung.kind])
        wanted: Counter[Any] = Counter()
        for event in self.events[StateChanged.kind]:
            published = self.floor.published.get(event.data["version_id"])
            spec = published and published.spec(event.data["edge"], event.data["from_state"])
            wanted[event.command_id] += sum(effect.code == "ring" for effect in spec.effects) if spec else 0
        if rung != +wanted:
            yield "effects", f"rung {sum(rung.values())} times, wanted {sum(wanted.values())}"
        if PlainThing.objects.count() != sum(rung.values()):
            yield "effects", f"{PlainThing.objects.count()} rows of {sum(rung.values())} effects"

    # ---- things

    def _thing(self, born: Born) -> Iterator[tuple[str, str]]:
        walk = Walk(born, self.floor.published[born.version_id], born.state)
        walk.seen.append((born.version_id, born.state))
        about = [*self.events[StateChanged.kind], *self.events[ItemMovedToVersion.kind]]
        for event in sorted((e for e in about if e.subject_id == str(born.pk)), key=lambda e: e.pk):
            if event.kind == StateChanged.kind:
                yield from self._move(walk, event)
            else:
                yield from self._other_version(walk, event)
            walk.seen.append((walk.published.version.pk, walk.state))
        yield from self._as_told(walk)

    def _as_told(self, walk: Walk) -> Iterator[tuple[str, str]]:
        """The row and its history are what the ledger makes of them."""
        thing, pk = self.things[walk.born.pk], walk.born.pk
        if thing.status not in ThingStatus.values or thing.status != walk.spec_of(walk.state).status:
            yield "status", f"{thing.status} is not the status of {walk.state}"
        if (thing.workflow_version_id, thing.state) != walk.seen[-1]:
            yield "row", f"it is {thing.state}, the ledger left it {walk.state}"
        rows = [(row.workflow_version_id, row.state) for row in self.history[pk]]
        if rows != walk.seen:
            yield "history", f"it has {rows}, the ledger {walk.seen}"
        counted = sum(d.act.manner == Manner.COUNT and d.item_id == pk and d.error is None for d in self.floor.done)
        if thing.quantity != counted:
            yield "lost write", f"counted {counted}, left {thing.quantity}"

    def _other_version(self, walk: Walk, event: LedgerEvent) -> Iterator[tuple[str, str]]:
        old, new = walk.published, self.floor.published[event.data["to_version_id"]]
        if event.data["from_version_id"] != old.version.pk or event.data["from_state"] != walk.state:
            yield "chain", f"from {event.data['from_state']} to another version, but it was {walk.state}"
        if new.version.number <= old.version.number:
            yield "numbers", f"from version {old.version.number} to {new.version.number}"
        was = walk.spec_of(walk.state)
        walk.published, walk.state = new, event.data["to_state"]
        becomes = walk.spec_of(walk.state)
        if not was.is_safe or (was.code, was.status) != (becomes.code, becomes.status) or new.policy != Policy.SAFE:
            yield "chain", f"{was} has become {becomes} of another version"

    def _move(self, walk: Walk, event: LedgerEvent) -> Iterator[tuple[str, str]]:
        data = event.data
        code, source, target = data["edge"], data["from_state"], data["to_state"]
        if (data["version_id"], source) != (walk.published.version.pk, walk.state):
            yield "chain", f"{code} from {source} (version {data['version_id']}), but it was {walk.state}"
        spec = walk.published.spec(code, source)
        if spec is None or spec.target != target:
            yield "edge", f"{code} leads from {source} to {target} in no version"
            walk.state, walk.since = target, event.pk
            return
        statuses = walk.spec_of(source).status, walk.spec_of(target).status
        if statuses != (data["from_status"], data["to_status"]):
            yield "status", f"{code}: {data['from_status']} to {data['to_status']}, not {statuses}"
        if statuses[0] != statuses[1] and statuses[1] not in MOVES.get(statuses[0], ()):
            yield "status", f"{code}: no thing goes from {statuses[0]} to {statuses[1]}"
        if walk.born.name == "locked" and statuses[1] == ThingStatus.RUNNING:
            yield "invariant", f"{code}: it is locked, and runs"
        for name, how in self._asked_of(walk, spec, event):
            yield name, f"{code}: {how}"
        walk.taken[code] += 1
        walk.people[code].add(event.actor_id)
        walk.state, walk.since = target, event.pk
        if target == "closed":
            yield from _gates(walk)

    def _asked_of(self, walk: Walk, spec: EdgeSpec, event: LedgerEvent) -> Iterator[tuple[str, str]]:
        inputs = {one.name: event.data["inputs"].get(one.name) for one in spec.all_inputs}
        if spec.at_most is not None and walk.taken[spec.code] >= spec.at_most:
            yield "at most", f"taken {walk.taken[spec.code] + 1} times, {spec.at_most} are allowed"
        yield from _lacking(self.members[event.actor_id], spec)
        yield from _inputs(spec, event.data["inputs"], self.done.get(event.command_id))
        yield from _guards(spec, event.data["guard_inputs"], inputs)
        if any(effect.code == "fail" for effect in spec.effects):
            yield "effects", "taken although its effect fails"
        for row in self.history[walk.born.pk][len(walk.seen) :][:1]:
            for name, value in event.data["guard_inputs"].items():
                if name in ("quantity", "name") and str(getattr(row, name)) != str(value):
                    yield "guard", f"it read {name} {value}, and it was {getattr(row, name)}"
        if spec.signature is not None:
            yield from self._signed(walk, spec, event)

    def _signed(self, walk: Walk, spec: EdgeSpec, event: LedgerEvent) -> Iterator[tuple[str, str]]:
        step = self.steps.get(event.pk)
        given = {one.person_id for one in self.signatures[step.pk]} if step else set()
        if len(given) < spec.signature.signers:
            yield "signed", f"{len(given)} signatures, {spec.signature.signers} are needed"
        if step and (step.since_event_id, step.edge, step.item_id) != (walk.since, spec.code, walk.born.pk):
            yield "signed", "what was signed is another step"
        barred = {one for code in spec.signature.not_same_as for one in walk.people[code]}
        if given & barred:
            yield "signed", f"{given & barred} have taken or signed {spec.signature.not_same_as}"
        for person_id in sorted(given):
            yield from _lacking(self.members[person_id], spec)
        told = [e for e in self.events[EdgeSigned.kind] if step and e.data["step_id"] == step.pk]
        if len(told) != len(given):
            yield "ledger", f"{len(given)} signatures, {len(told)} told"
        walk.people[spec.code] |= given


def _lacking(member: Member, spec: EdgeSpec) -> Iterator[tuple[str, str]]:
    if not member.may_run:
        yield "right", f"{member.roles} may run nothing"
    if spec.roles and member.roles.isdisjoint(spec.roles):
        yield "role", f"{sorted(member.roles)} took it, not {spec.roles}"
    if not member.skills.issuperset(spec.skills):
        yield "skill", f"{sorted(member.skills)} took it, it needs {spec.skills}"


def _inputs(spec: EdgeSpec, kept: dict[str, Any], done: Done | None) -> Iterator[tuple[str, str]]:
    """What was typed is what the edge asks for; it is kept beside the move, but for free texts."""
    typed = done.inputs if done else {}
    asked = {one.name: one for one in spec.all_inputs}
    if typed.keys() - asked.keys():
        yield "inputs", f"nobody asked for {sorted(typed.keys() - asked.keys())}"
    for name, one in asked.items():
        value = typed.get(name)
        if value is None and not one.required:
            continue
        if not isinstance(value, TYPES[one.type]) or not str(value).strip():
            yield "inputs", f"{name} is {value!r}"
        elif one.type == "number" and not one.low <= value <= one.high:
            yield "inputs", f"{name} is {value}, from {one.low} to {one.high} is allowed"
        if one.type != "text" and str(kept.get(name)) != str(value):
            yield "ledger", f"{name} was {value!r}, kept is {kept.get(name)!r}"


def _guards(spec: EdgeSpec, read: dict[str, Any], inputs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """By what is stored beside the move: that every guard had to say yes to it."""
    numbers = {one.name for one in spec.all_inputs if one.type == "number"} | {"quantity"}
    facts = {name: _number(value) if name in numbers else value for name, value in read.items()}
    given = {name: _number(value) if name in numbers else value for name, value in inputs.items()}
    for condition in spec.conditions:
        space, _, own = condition.field.rpartition(".")
        values = given if space else facts
        if not _is_so(lambda: COMPARED[condition.operator](values[own], condition.value)):  # noqa: B023 - asked here
            yield "guard", f"{condition.field} {condition.operator} {condition.value}: {values}"
    if spec.expression and not _is_so(lambda: EXPRESSIONS[spec.expression](facts, given)):
        yield "guard", f"{spec.expression}: {facts}, {given}"


def _is_so(question: Callable[[], bool]) -> bool:
    """What can't be answered is not so: a fact was never read, or nothing was entered."""
    try:
        return question()
    except (KeyError, TypeError):
        return False


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _gates(walk: Walk) -> Iterator[tuple[str, str]]:
    """Only for who was on one version all the way: another one may have its gates elsewhere."""
    if len({version_id for version_id, _ in walk.seen}) == 1:
        states = {code for _, code in walk.seen}
        for gate in walk.published.definition.states:
            if gate.kind == "gate" and gate.code not in states:
                yield "gate", f"it has come to its end past {gate.code}"
