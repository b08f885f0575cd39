"""Why each refusal was due; a step that is refused without a cause is as wrong as one taken against the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.workflows.definition import EdgeSpec
from tests.workflows.machine.floor import PAST, Done, Floor, Manner

Cause = Callable[[Done, EdgeSpec], bool]


def _asks_otherwise(done: Done, spec: EdgeSpec) -> bool:
    """An edge that shares its code with the one that was meant may ask for something else."""
    names = {one.name for one in spec.all_inputs}
    required = {one.name for one in spec.all_inputs if one.required}
    return done.act.manner == Manner.WRONG_INPUTS or not required <= done.inputs.keys() <= names


def _is_guarded(done: Done, spec: EdgeSpec) -> bool:
    return bool(spec.conditions or spec.expression)


def _signed(done: Done, spec: EdgeSpec) -> bool:
    return spec.signature is not None


# By the code of the refusal, asked of an edge of the code that was tried.
OF_AN_EDGE: dict[str, Cause] = {
    "not_allowed": lambda done, spec: not done.member.may_run,
    "wrong_role": lambda done, spec: bool(spec.roles) and done.member.roles.isdisjoint(spec.roles),
    "not_qualified": lambda done, spec: not done.member.skills.issuperset(spec.skills),
    "input_missing": _asks_otherwise,
    "input_unknown": _asks_otherwise,
    "input_wrong": _asks_otherwise,
    "guard": _is_guarded,
    "guard_error": lambda done, spec: any(condition.field == "broken" for condition in spec.conditions),
    "effect_failed": lambda done, spec: any(effect.code == "fail" for effect in spec.effects),
    "too_often": lambda done, spec: spec.at_most is not None,
    "signature_missing": _signed,
    "signed_already": _signed,
    "other_inputs": _signed,
    "same_person": lambda done, spec: bool(spec.signature and spec.signature.not_same_as),
    "nobody": lambda done, spec: _signed(done, spec) and done.member.actor.person_id is None,
    "nothing_to_sign": lambda done, spec: spec.signature is None,
}


def is_due(floor: Floor, done: Done) -> bool:
    """By any of the item's possible versions: it may have gone over to another while the act was under way."""
    code, facts = done.refusal.code, done.refusal.facts
    versions = [one for pk, one in floor.published.items() if pk >= floor.born[done.item_id].version_id]
    if code == "trigger":
        return done.act.manner in PAST
    if code == "edge_stopped":
        return done.edge in done.stopped
    if code == "locked":
        return floor.born[done.item_id].name == "locked"
    if code in ("wrong_state", "unknown_edge"):
        return any(one.spec(done.edge, facts["state"]) is None for one in versions)
    specs = [edge for one in versions for edge in one.definition.edges if edge.code == done.edge]
    if code == "not_allowed" and not specs:
        return not done.member.may_run
    cause: Any = OF_AN_EDGE.get(code)
    return cause is not None and any(cause(done, spec) for spec in specs)
