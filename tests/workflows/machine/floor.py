"""A plant whose workflow is drawn at random, and two people at a time who try their luck with its things."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.workflows.commands import import_draft, publish, resume_edge, stop_edge, submit_for_review
from apps.workflows.definition import Definition, EdgeSpec, InputSpec
from apps.workflows.life.choosing import Facts, version_for
from apps.workflows.life.commands import move_some, plan_moves
from apps.workflows.models import Policy, Version, VersionStatus
from apps.workflows.signatures import Signed, sign_edge
from apps.workflows.tasks import WORKER
from tests.workflows.life.people import make_office
from tests.workflows.machine.graphs import Drawn
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM
from tests.world import actor_of, give_role, give_skill, make_person, make_reason, make_role, make_site, run

REFUSED_BY_THE_CHECK = {"check_failed", "not_a_graph"}


@dataclass(frozen=True)
class Member:
    """Who takes part. `may_run`: has the kind's own right, which no role of an edge stands for."""

    actor: Actor
    roles: frozenset[str]
    skills: frozenset[str] = frozenset()
    may_run: bool = True

    def fits(self, spec: EdgeSpec) -> bool:
        has_role = not spec.roles or not self.roles.isdisjoint(spec.roles)
        return has_role and self.skills.issuperset(spec.skills)


class Manner(StrEnum):
    LIKELY = "as it is meant"
    ANYBODY = "as anybody"
    ANY_EDGE = "along any edge"
    WRONG_INPUTS = "with wrong inputs"
    UNSIGNED = "without signatures"
    PAST_THE_ENGINE = "by an update of the row"
    ARMED = "by an armed update along no edge"
    COUNT = "counting up the quantity"
    WORK = "as the worker that moves items to their new version"


# Writes that the database itself has to refuse.
PAST = (Manner.PAST_THE_ENGINE, Manner.ARMED)


@dataclass(frozen=True)
class Act:
    """What somebody is about to do; the numbers choose among what there is when the moment comes."""

    manner: Manner
    item: int
    way: int
    who: int
    value: int
    is_repeated: bool


@dataclass(kw_only=True)
class Done:
    """What came of it: the state it is in then, or a refusal, or something that should never come up."""

    act: Act
    item_id: int
    stopped: frozenset[str]
    command_id: UUID = field(default_factory=uuid4)
    member: Member | None = None
    edge: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    answer: str | Signed | None = None
    refusal: CommandRefused | None = None
    error: Exception | None = None
    # When it was looked at, the edge was there to be taken.
    was_there: bool = False

    @property
    def is_overtaken(self) -> bool:
        """Somebody else was faster."""
        return self.was_there and self.refusal is not None and self.refusal.code == "wrong_state"

    @property
    def is_taken(self) -> bool:
        return self.answer.is_taken if isinstance(self.answer, Signed) else self.answer is not None


@dataclass(frozen=True)
class Published:
    version: Version
    definition: Definition
    policy: Policy

    def spec(self, code: str, source: str) -> EdgeSpec | None:
        return next((e for e in self.definition.edges if e.code == code and source in e.sources), None)

    def exits(self, state: str) -> list[EdgeSpec]:
        return [edge for edge in self.definition.edges if state in edge.sources]


@dataclass(frozen=True)
class Born:
    """A thing as it was when it was made."""

    pk: int
    version_id: int
    state: str
    name: str


class Hands:
    """Two threads, each with a connection of its own that it keeps."""

    def __init__(self) -> None:
        self._threads = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]

    def both(self, *jobs: Callable[[], list[Done]]) -> list[Done]:
        futures = [thread.submit(job) for thread, job in zip(self._threads, jobs, strict=True)]
        return [done for future in futures for done in future.result(60)]

    def close(self) -> None:
        for thread in self._threads:
            thread.submit(connections.close_all).result(10)  # a bound `connection.close` would be this thread's
            thread.shutdown()


class Floor:
    def __init__(self, hands: Hands) -> None:
        self.hands, self.office = hands, make_office()
        self.site = make_site()
        for code in ("lunch", "tea", "walk"):
            make_reason("pause", code)
        make_role("visitor")
        for role in ("operator", "line_lead", "inspector"):
            make_role(role, "testapp.run_thing")
        self.cast = [
            self._member("olga", "operator", skills=["welding"]),
            self._member("oskar", "operator", skills=["welding"]),
            self._member("lena", "line_lead"),
            self._member("lars", "line_lead", "operator"),
            self._member("ines", "inspector", skills=["welding"]),
            self._member("vera", "visitor", may_run=False),
            Member(SYSTEM, frozenset({"system"}), frozenset({"welding"})),
        ]
        self.published: dict[int, Published] = {}
        self.born: dict[int, Born] = {}
        self.at_hand: list[int] = []
        self.stopped: dict[str, int] = {}
        self.done: list[Done] = []
        # Publications that should not have been, or should have been.
        self.wrongly_judged: list[str] = []

    def _member(self, name: str, *roles: str, skills: Sequence[str] = (), may_run: bool = True) -> Member:
        person = make_person(name)
        for role in roles:
            give_role(person, role, self.site)
        for skill in skills:
            give_skill(person, skill)
        return Member(actor_of(person), frozenset(roles), frozenset(skills), may_run)

    # ---- workflows

    def publish(self, drawn: Drawn, policy: Policy) -> Version | None:
        """Written by one, approved by another, by the commands of every surface; None where it is refused."""
        definition = Definition.model_validate(drawn.content)
        try:
            version_id = self._reviewed(definition, policy, is_forced=bool(drawn.fault))
            run(publish, self.office.paul, version_id=version_id, note="Drawn.")
        except CommandRefused as refusal:
            if not drawn.fault or refusal.code not in REFUSED_BY_THE_CHECK:
                self.wrongly_judged.append(f"{drawn} is refused: {refusal.code}: {refusal}")
            return None
        if drawn.fault:
            self.wrongly_judged.append(f"{drawn} is published")
        version = Version.objects.get(pk=version_id)
        self.published[version_id] = Published(version, definition, policy)
        return version

    def _reviewed(self, definition: Definition, policy: Policy, *, is_forced: bool) -> int:
        """`is_forced`: put into review by an update of its row if need be, so that its publication is asked as well."""
        version_id = run(import_draft, self.office.pia, definition=definition)
        run(plan_moves, self.office.pia, version_id=version_id, policy=policy)
        try:
            run(submit_for_review, self.office.pia, version_id=version_id)
        except CommandRefused:
            if not is_forced:
                raise
            Version.objects.filter(pk=version_id).update(status=VersionStatus.IN_REVIEW)
        return version_id

    @property
    def codes(self) -> list[str]:
        """Of all edges of all versions, in an order that is the same in each run; and one that is none."""
        seen = {edge.code: None for one in self.published.values() for edge in one.definition.edges}
        return [*seen, "nothing_of_this_name"]

    def stop(self, way: int) -> None:
        code = self.codes[way % (len(self.codes) - 1)]
        if code not in self.stopped:
            workflow = next(iter(self.published.values())).version.workflow_id
            stop_id = run(stop_edge, self.office.paul, workflow_id=workflow, edge=code, reason="Not now.")
            self.stopped[code] = stop_id

    def resume(self) -> None:
        for code in list(self.stopped):
            run(resume_edge, self.office.paul, stop_id=self.stopped.pop(code))

    # ---- things

    def replenish(self, names: Sequence[str]) -> None:
        """So that as many are on their way as there are names; those at their end are not acted on any more."""
        ended = Thing.objects.filter(status__in=["closed", "cancelled"]).values_list("pk", flat=True)
        self.at_hand = sorted(self.born.keys() - set(ended))
        for name in names[len(self.at_hand) :]:
            self.at_hand.append(self._make(name))

    def _make(self, name: str) -> int:
        version = version_for("thing", Facts(), clock.now())
        thing = Thing.objects.create(workflow_version=version, site_id=self.site.pk, name=name)
        self.born[thing.pk] = Born(thing.pk, version.pk, thing.state, name)
        return thing.pk

    def act(self, one: Sequence[Act], other: Sequence[Act], *, in_step: bool) -> list[Done]:
        """Two at once; in step: each begins the next act when the other does."""
        start = threading.Barrier(2)
        stopped = frozenset(self.stopped)

        def job(acts: Sequence[Act]) -> Callable[[], list[Done]]:
            def work() -> list[Done]:
                done = []
                for number, act in enumerate(acts):
                    if in_step or not number:
                        start.wait(30)
                    done.append(self._attempt(act, stopped))
                return done

            return work

        new = self.hands.both(job(one), job(other))
        self.done += new
        return new

    def _attempt(self, act: Act, stopped: frozenset[str]) -> Done:
        done = Done(act=act, item_id=self.at_hand[act.item % len(self.at_hand)], stopped=stopped)
        try:
            _WAYS.get(act.manner, Floor._fire)(self, done)
        except CommandRefused as refusal:
            done.refusal = refusal
        except Exception as error:
            done.error = error
        return done

    def _fire(self, done: Done) -> None:
        act = done.act
        here = Thing.objects.values("workflow_version_id", "state").get(pk=done.item_id)
        published = self.published[here["workflow_version_id"]]
        exits = published.exits(here["state"])
        if act.manner == Manner.ANY_EDGE or not exits:
            done.edge = self.codes[act.way % len(self.codes)]
        else:
            done.edge = exits[act.way % len(exits)].code
        spec = published.spec(done.edge, here["state"])
        done.was_there = spec is not None
        fitting = [member for member in self.cast if spec and member.fits(spec)]
        chosen = self.cast if act.manner == Manner.ANYBODY or not fitting else fitting
        done.member = chosen[act.who % len(chosen)]
        is_signed = spec is not None and spec.signature is not None and act.manner != Manner.UNSIGNED
        # All who sign one step enter the same.
        entered = wrong_inputs if act.manner == Manner.WRONG_INPUTS else right_inputs
        done.inputs = entered(spec, 0 if is_signed else act.value) if spec else {}
        self._send(done, is_signed=is_signed)

    def _send(self, done: Done, *, is_signed: bool) -> None:
        """By the command that a station sends; when it is sent twice, the answer is the same."""
        for _ in range(1 + done.act.is_repeated):
            if is_signed:
                about = {"item_kind": "thing", "item_id": done.item_id, "edge": done.edge, "inputs": done.inputs}
                answer: Any = sign_edge(done.member.actor, done.command_id, **about)
            else:
                about = {"thing_id": done.item_id, "edge": done.edge, "inputs": done.inputs}
                answer = move_thing(done.member.actor, done.command_id, **about)
            if done.answer is not None and answer != done.answer:
                raise AssertionError(f"the answer was {done.answer}, and is {answer} when asked again")
            done.answer = answer

    def _update(self, done: Done) -> None:
        """Past the engine; an armed one as fire() arms it, but between states that no edge joins."""
        thing = Thing.objects.values("workflow_version_id", "state").get(pk=done.item_id)
        published = self.published[thing["workflow_version_id"]]
        is_armed = done.act.manner == Manner.ARMED
        taken = {edge.target for edge in published.exits(thing["state"])} if is_armed else set()
        others = [s for s in published.definition.states if s.code not in taken | {thing["state"]}]
        if not others:
            return
        to = others[done.act.way % len(others)]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                armed = f"testapp_thing:{done.item_id}:{thing['state']}:{to.code}" if is_armed else ""
                cursor.execute("SELECT set_config('mfgos.fire', %s, true)", [armed])
                Thing.objects.filter(pk=done.item_id).update(state=to.code, status=to.status)
        except IntegrityError as error:
            done.refusal = CommandRefused("trigger", str(error))

    def _count(self, done: Done) -> None:
        Thing.objects.filter(pk=done.item_id).update(quantity=F("quantity") + 1)

    def _work(self, done: Done) -> None:
        for version_id, published in list(self.published.items()):
            if published.policy == Policy.SAFE:
                move_some(WORKER, uuid4(), version_id=version_id)


_WAYS: dict[Manner, Callable[[Floor, Done], None]] = {
    Manner.PAST_THE_ENGINE: Floor._update,
    Manner.ARMED: Floor._update,
    Manner.COUNT: Floor._count,
    Manner.WORK: Floor._work,
}


def right_inputs(spec: EdgeSpec, value: int) -> dict[str, Any]:
    """What the edge takes; a guard may still say no to it."""
    given = {one.name: _value(one, value) for one in spec.all_inputs if one.required or value % 3}
    return {name: entered for name, entered in given.items() if entered is not None}


def _value(one: InputSpec, value: int) -> Any:
    return {
        "number": 14 - value % 3,
        "choice": ("lunch", "tea", "walk")[value % 3],
        "boolean": value % 4 != 3,
        "lot": f"L{value}",
        "text": "a word",
    }[one.type]


def wrong_inputs(spec: EdgeSpec, value: int) -> dict[str, Any]:
    """One left out, of another type, out of bounds, or one that nobody asked for."""
    inputs = right_inputs(spec, value)
    required = [one.name for one in spec.all_inputs if one.required]
    if not required or value % 4 == 0:
        return {**inputs, "unasked": value}
    name = required[value % len(required)]
    if value % 4 == 1:
        return {key: entered for key, entered in inputs.items() if key != name}
    return {**inputs, name: " " if value % 4 == 2 else [99]}
