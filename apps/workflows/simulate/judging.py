"""One move of the past, judged by a plan in the order in which fire() judges: edge, role, skill, inputs, guards, limit,
signature.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from apps.core.rights import EVERYWHERE, Scope
from apps.workflows import guards
from apps.workflows.definition import SYSTEM_ROLE, EdgeSpec, InputSpec, SignatureSpec, word
from apps.workflows.graph import CompiledEdge
from apps.workflows.guards import INPUTS, GuardError
from apps.workflows.inputs import VALUE_TYPES
from apps.workflows.kinds import ValueType
from apps.workflows.simulate.facts import Basis, FactsThen, Unknown, typed
from apps.workflows.simulate.past import Moved, Takings
from apps.workflows.simulate.people_then import PeopleThen
from apps.workflows.simulate.plan import Fate, Match, Plan


class Reason(StrEnum):
    """Why a move would have been stopped."""

    STATE_GONE = "state_gone"
    GONE = "gone"
    NOT_FROM_HERE = "not_from_here"
    ROLE = "role"
    SKILL = "skill"
    INPUT = "input"
    GUARD = "guard"
    GUARD_ERROR = "guard_error"
    TOO_OFTEN = "too_often"
    SIGNATURE = "signature"


class Certainty(StrEnum):
    """EXACT: all that decides was recorded then. ESTIMATED: some of it is as of a row. IMPOSSIBLE: nobody can say."""

    EXACT = "exact"
    ESTIMATED = "estimated"
    IMPOSSIBLE = "impossible"


_FATES = {Fate.STATE_GONE: Reason.STATE_GONE, Fate.GONE: Reason.GONE, Fate.NOT_FROM_HERE: Reason.NOT_FROM_HERE}


@dataclass(frozen=True)
class Answer:
    """
    reason     None: it would have gone on           detail  the sentence of a guard, the skill, the input
    asks_more  it would have asked for something besides
    wait       for the next who may sign or take it; None where nobody knows, or nobody has to come
    """

    certainty: Certainty
    reason: Reason | None = None
    detail: str = ""
    asks_more: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True)
class _Look:
    """What the guards say: None goes on, else the sentence."""

    certainty: Certainty
    refuses: bool = False
    broken: bool = False
    detail: str = ""


class Judge:
    def __init__(self, plan: Plan, facts: FactsThen, people: PeopleThen) -> None:
        self.plan, self.facts, self.people = plan, facts, people

    # ---- what has to be read beforehand

    def match(self, move: Moved) -> Match:
        data = move.data
        return self.plan.match(data["version_id"], data["edge"], data["from_state"])

    def needs_row(self, move: Moved) -> bool:
        edge = self.match(move).edge
        if edge is None:
            return any(_fields_of(exit_.spec) for exit_ in self.plan.exits.get(move.data["from_state"], ()))
        return not _fields_of(edge.spec) <= move.data["guard_inputs"].keys()

    def needs_place(self, move: Moved) -> bool:
        match = self.match(move)
        if match.edge is None or move.actor_id is None:
            return False
        spec = match.edge.spec
        if self._may_be_helped(move, spec) and self._lacks_skill(move, match, spec):
            return True
        if _is_implied(match):
            return False
        roles = spec.roles
        site = _site(move)
        return not self.people.holds(move.actor_id, roles, site, move.occurred_at) and self.people.is_narrow(
            move.actor_id, roles, move.occurred_at
        )

    # ---- the answer

    def answer(self, move: Moved, takings: Takings) -> Answer:
        match = self.match(move)
        edge = match.edge
        if edge is None:
            return Answer(Certainty.EXACT, _FATES[match.fate], match.step)
        spec = edge.spec
        refused = self._not_theirs(move, match, spec)
        if refused is not None:
            return refused
        look = self._guarded(move, match, edge)
        if look.refuses:
            return Answer(look.certainty, Reason.GUARD_ERROR if look.broken else Reason.GUARD, look.detail)
        taken = takings.get((move.item_id, spec.code), ())
        if spec.at_most is not None and len(taken) >= spec.at_most:
            return Answer(Certainty.EXACT, Reason.TOO_OFTEN)
        if spec.signature is not None and not _is_signed_as(match.before, spec.signature):
            return self._signed(move, spec, spec.signature, takings, look.certainty)
        return Answer(look.certainty, asks_more=_asks_more(match, spec))

    def _not_theirs(self, move: Moved, match: Match, spec: EdgeSpec) -> Answer | None:
        """By who took it, and by what was typed: both are in the event."""
        if not self._may_take(move, match, spec):
            return Answer(Certainty.EXACT, Reason.ROLE, wait=self._wait(move, spec, needed=1, but=frozenset()))
        lacking = self._lacks_skill(move, match, spec)
        if lacking and not self._is_helped(move, spec, lacking):
            return Answer(Certainty.EXACT, Reason.SKILL, ", ".join(lacking))
        wrong = _wrong_input(spec, move.data["inputs"])
        return Answer(Certainty.EXACT, Reason.INPUT, word(wrong.labels, wrong.name)) if wrong else None

    def _is_helped(self, move: Moved, spec: EdgeSpec, lacking: Collection[str]) -> bool:
        """By one partner who held all that was lacking, as judgement.Help has it."""
        if not self._may_be_helped(move, spec):
            return False
        return any(
            not self.people.lacks(partner_id, lacking, move.occurred_at) for partner_id in self.facts.partners(move)
        )

    def _may_be_helped(self, move: Moved, spec: EdgeSpec) -> bool:
        return spec.partner_suffices and self.facts.has_partners and move.actor_id is not None

    def is_stuck(self, move: Moved) -> bool:
        """No way on from where the item was: the state is gone, or every exit is known to refuse."""
        exits = self.plan.exits.get(move.data["from_state"], ())
        return all(self._is_closed(move, exit_) for exit_ in exits)

    def _is_closed(self, move: Moved, exit_: CompiledEdge) -> bool:
        look = self._guarded(move, Match(Fate.SAME, exit_, None, "", ""), exit_, is_taken=False)
        return look.refuses

    # ---- roles and skills

    def _may_take(self, move: Moved, match: Match, spec: EdgeSpec) -> bool:
        if not spec.roles or _is_implied(match):
            return True
        before = match.before.roles if match.before else []
        if move.agent or before == [SYSTEM_ROLE]:
            return SYSTEM_ROLE in spec.roles
        if move.actor_id is None:
            return False
        if self._holds(move, spec.roles):
            return True
        # Taken by the system for somebody who holds none of the other roles.
        by_system = SYSTEM_ROLE in before and not self._holds(move, before)
        return by_system and SYSTEM_ROLE in spec.roles

    def _holds(self, move: Moved, roles: list[str]) -> bool:
        person_id, at = move.actor_id, move.occurred_at
        if person_id is None:
            return False
        return self.people.holds(person_id, roles, _site(move), at) or self.people.holds(
            person_id, roles, self.facts.scope(move), at
        )

    def _lacks_skill(self, move: Moved, match: Match, spec: EdgeSpec) -> list[str]:
        before = match.before
        # By the skills of a partner, perhaps: then who took it need not have had them.
        proven = before is not None and (spec.partner_suffices or not before.partner_suffices)
        had = set(before.skills) if before and proven else set()
        asked = [code for code in spec.skills if code not in had]
        if not asked or (move.agent and move.actor_id is None):
            return []
        return asked if move.actor_id is None else self.people.lacks(move.actor_id, asked, move.occurred_at)

    def _wait(self, move: Moved, spec: EdgeSpec, *, needed: int, but: frozenset[int]) -> timedelta | None:
        scope = self.facts.scope(move)
        return self.people.wait(spec.roles, scope, move.site_id, move.occurred_at, needed=needed, but=but)

    def _signed(
        self, move: Moved, spec: EdgeSpec, signature: SignatureSpec, takings: Takings, certainty: Certainty
    ) -> Answer:
        """Who took the step signs too, unless ruled out; the others have to come."""
        barred = frozenset(
            person_id
            for code in signature.not_same_as
            for person_id in takings.get((move.item_id, code), ())
            if person_id is not None
        )
        signs = move.actor_id is not None and move.actor_id not in barred
        missing = signature.signers - (1 if signs else 0)
        if missing <= 0:
            return Answer(certainty, asks_more=True)
        but = barred | ({move.actor_id} if move.actor_id is not None else frozenset[int]())
        wait = self._wait(move, spec, needed=missing, but=but)
        return Answer(certainty, Reason.SIGNATURE, word(signature.meaning), asks_more=True, wait=wait)

    # ---- guards

    def _guarded(self, move: Moved, match: Match, edge: CompiledEdge, *, is_taken: bool = True) -> _Look:
        """As judgement.guarded does it. `is_taken` False: nobody has typed anything, guards on inputs are left out."""
        spec, certainty = edge.spec, Certainty.EXACT
        inputs = _inputs(match.before, spec, move.data["inputs"]) if is_taken else {}
        try:
            for condition in spec.conditions:
                asked = frozenset({condition.field})
                found, sure = self._values(move, asked, inputs, counted=is_taken)
                certainty = least(certainty, sure)
                if found is not None and not guards.holds(condition, found, inputs):
                    return _Look(least(sure), refuses=True, detail=word(condition.sentence, edge.label))
            if edge.program is not None:
                found, sure = self._values(move, guards.names_in(spec.expression), inputs, counted=is_taken)
                certainty = least(certainty, sure)
                if found is not None and not guards.allows(edge.program, found, inputs):
                    return _Look(least(sure), refuses=True, detail=word(spec.expression_sentence, edge.label))
        except GuardError as error:
            return _Look(certainty, refuses=True, broken=True, detail=str(error)[:200])
        return _Look(certainty)

    def _values(
        self, move: Moved, names: frozenset[str], inputs: Mapping[str, Any], *, counted: bool
    ) -> tuple[dict[str, Any] | None, Certainty]:
        """None where one of them is not known any more."""
        values: dict[str, Any] = {}
        certainty = Certainty.EXACT
        for name in names:
            space, _, own = name.rpartition(".")
            if space == INPUTS:
                if own not in inputs:
                    return None, Certainty.IMPOSSIBLE
                continue
            try:
                values[name], basis = self.facts.value(move, name, counted=counted)
            except Unknown:
                return None, Certainty.IMPOSSIBLE
            if basis != Basis.READ:
                certainty = Certainty.ESTIMATED
        return values, certainty


_ORDER = (Certainty.EXACT, Certainty.ESTIMATED, Certainty.IMPOSSIBLE)


def least(*certainties: Certainty) -> Certainty:
    return max(certainties, key=_ORDER.index)


def _site(move: Moved) -> Scope:
    return EVERYWHERE | {f"site:{move.site_id}"} if move.site_id else EVERYWHERE


def _fields_of(spec: EdgeSpec) -> frozenset[str]:
    names = {condition.field for condition in spec.conditions}
    names |= guards.names_in(spec.expression) if spec.expression else set()
    return frozenset(name for name in names if not name.startswith(f"{INPUTS}."))


def _is_implied(match: Match) -> bool:
    """Whoever could take it then can take it now: the roles have only grown."""
    if match.edge is None or match.before is None:
        return False
    roles, before = match.edge.spec.roles, match.before.roles
    return not roles or (bool(before) and set(before) <= set(roles))


def _inputs(before: EdgeSpec | None, spec: EdgeSpec, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of what was typed: recorded, or left out; not what was never asked for, nor free texts."""
    types: dict[str, ValueType] = {given.name: VALUE_TYPES[given.type] for given in spec.all_inputs}
    known = {name: typed(value, types[name]) for name, value in recorded.items() if name in types}
    asked = before.all_inputs if before else []
    left_out = {given.name: None for given in asked if given.type != "text" and given.name not in recorded}
    return {**{name: value for name, value in left_out.items() if name in types}, **known}


def _wrong_input(spec: EdgeSpec, recorded: Mapping[str, Any]) -> InputSpec | None:
    """A number that was typed then and would not be taken now."""
    for given in spec.inputs:
        if given.type != "number" or recorded.get(given.name) is None:
            continue
        number = typed(recorded[given.name], ValueType.NUMBER)
        if (given.low is not None and number < given.low) or (given.high is not None and number > given.high):
            return given
    return None


def _asks_more(match: Match, spec: EdgeSpec) -> bool:
    before = {given.name for given in match.before.all_inputs if given.required} if match.before else set()
    return any(given.required and given.name not in before for given in spec.all_inputs)


def _is_signed_as(before: EdgeSpec | None, signature: SignatureSpec) -> bool:
    """It was signed then by as many, and as few were let."""
    was = before.signature if before else None
    return was is not None and was.signers >= signature.signers and set(was.not_same_as) >= set(signature.not_same_as)
