"""Why an edge can't be taken, asked by fire() before it moves and by exits() before anybody tries.

Each question answers with None or with the reason; nothing here writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.core.one_look import read_once
from apps.core.prepared import Given, Prepared
from apps.plant.access import all_qualified
from apps.plant.actions import MANAGE_PEOPLE
from apps.workflows import guards, people
from apps.workflows.actions import EDIT, OVERRIDE, STOP_EDGE
from apps.workflows.definition import word
from apps.workflows.effects import EFFECTS, EffectFailed
from apps.workflows.events import StateChanged
from apps.workflows.graph import CompiledEdge
from apps.workflows.guards import INPUTS, GuardError
from apps.workflows.kinds import GuardField, Kind, Move, Refusal
from apps.workflows.models import EdgeStop, WorkflowItem

# Codes of refusals that say "this does not work", not "this is not allowed": they can be overridden, by name.
BROKEN = frozenset({"guard_error", "effect_failed"})


def raise_if(refusal: Refusal | None) -> None:
    if refusal:
        raise CommandRefused(refusal.code, refusal.sentence, refusal.owner, refusal.facts)


def kept_by() -> str:
    """Who can change what refuses: whoever is stopped by it knows whom to ask."""
    names = ", ".join(rights.holders(EDIT))
    return _("This rule is kept by: %(roles)s.") % {"roles": names} if names else ""


def can_be_done_by(names: str) -> str:
    return _("It can be done by: %(roles)s.") % {"roles": names} if names else ""


class FieldReader:
    """The guard fields of one item, each read once and only when a guard asks for it."""

    def __init__(self, fields: Mapping[str, GuardField], item: object) -> None:
        self._fields, self._item = fields, item
        self.read: dict[str, Any] = {}

    def values(self, names: frozenset[str]) -> dict[str, Any]:
        """Raises GuardError for a field that is not declared or whose getter fails."""
        for name in sorted(names - self.read.keys()):
            field = self._fields.get(name)
            if field is None:
                raise GuardError(f"{name} is no declared field")
            try:
                self.read[name] = guards.plain(field.read(self._item))
            except GuardError as error:
                raise GuardError(f"{name}: {error}") from error
            except Exception as error:
                raise GuardError(f"{name}: {type(error).__name__}") from error
        return {name: self.read[name] for name in names}


class Help:
    """Who works together on one item, read once and only where somebody lacks a skill that a partner may have.

    given  code of an edge -> the partner whose skills it is taken by
    """

    def __init__(self, kind: Kind, item: WorkflowItem) -> None:
        self.kind, self._item = kind, item
        self._partners: dict[datetime, frozenset[int]] = {}
        self.given: dict[str, int] = {}

    def partner(self, edge: CompiledEdge, actor: Actor, lacking: Collection[str], at: datetime) -> int | None:
        """One other than the actor who holds all that the actor lacks. Two queries at most."""
        if not partner_would_do(edge, self.kind, actor):
            return None
        others = self._partners_at(at) - {actor.person_id}
        able = others & all_qualified(lacking, at) if others else frozenset()
        if not able:
            return None
        self.given[edge.spec.code] = min(able)
        return min(able)

    def _partners_at(self, at: datetime) -> frozenset[int]:
        if at not in self._partners:
            self._partners[at] = frozenset(self.kind.partners(self._item, at)) if self.kind.partners else frozenset()
        return self._partners[at]


@read_once
def stops_of(workflow_id: int) -> list[EdgeStop]:
    """What is stopped now of all its versions; one query."""
    return _STOPS(workflow=workflow_id)


_STOPS = Prepared(lambda: EdgeStop.objects.in_force().filter(workflow=Given("workflow")).order_by("pk"))


def stopped(edge: CompiledEdge, workflow_id: int, stop: EdgeStop | None) -> Refusal | None:
    if stop is None:
        return None
    names = ", ".join(rights.holders(STOP_EDGE))
    by = people.person_name(stop.stopped_by_id) or _("the system")
    return Refusal(
        "edge_stopped",
        _("“%(step)s” has been stopped by %(name)s: %(reason)s")
        % {"step": edge.label, "name": by, "reason": stop.reason},
        _("It can be resumed by: %(roles)s.") % {"roles": names} if names else "",
        {"edge": edge.spec.code, "workflow_id": workflow_id, "stop_id": stop.pk},
    )


def not_allowed(kind: Kind) -> Refusal:
    return Refusal(
        "not_allowed",
        _("You may not %(act)s here.") % {"act": kind.permission.label},
        can_be_done_by(", ".join(rights.holders(kind.permission))),
        {"action": kind.permission.code},
    )


def wrong_role(edge: CompiledEdge, held: frozenset[str]) -> Refusal | None:
    """A part of the system takes only edges that name it, or nobody: it has not asked on behalf of a role."""
    if not edge.spec.roles or not held.isdisjoint(edge.spec.roles):
        return None
    return Refusal(
        "wrong_role",
        _("“%(step)s” is not yours to do here.") % {"step": edge.label},
        can_be_done_by(people.role_names(edge.spec.roles)),
        {"edge": edge.spec.code, "roles": edge.spec.roles},
    )


def unqualified(edge: CompiledEdge, actor: Actor, at: datetime, help_: Help) -> Refusal | None:
    """Whoever lacks a skill, unless a partner helps out with it. No query for an edge without skills."""
    lacking = people.missing_skills(actor, edge.spec.skills, at)
    if not lacking or help_.partner(edge, actor, lacking, at) is not None:
        return None
    sentence = _("“%(step)s” needs a qualification you do not have: %(skills)s.")
    sentence %= {"step": edge.label, "skills": people.skill_names(lacking)}
    if partner_would_do(edge, help_.kind, actor):
        sentence = _("%(why)s Somebody qualified who works together with you would do.") % {"why": sentence}
    keepers = ", ".join(rights.holders(MANAGE_PEOPLE))
    owner = _("Qualifications are entered by: %(roles)s.") % {"roles": keepers} if keepers else ""
    return Refusal("not_qualified", sentence, owner, {"edge": edge.spec.code, "skills": edge.spec.skills})


def partner_would_do(edge: CompiledEdge, kind: Kind, actor: Actor) -> bool:
    """Somebody has to be there to be helped: not where nobody is signed in."""
    return edge.spec.partner_suffices and kind.partners is not None and actor.person_id is not None


def guarded(kind: Kind, edge: CompiledEdge, reader: FieldReader, inputs: Mapping[str, Any] | None) -> Refusal | None:
    """`inputs` None: nobody has typed anything yet, so guards that ask for an input are left for later."""
    facts = {"edge": edge.spec.code, "source": edge.source.code}
    values = {name: guards.plain(value) for name, value in (inputs or {}).items()}
    try:
        for number, condition in enumerate(edge.spec.conditions):
            if condition.field.startswith(f"{INPUTS}.") and inputs is None:
                continue
            own = frozenset() if condition.field.startswith(f"{INPUTS}.") else frozenset({condition.field})
            if not guards.holds(condition, reader.values(own), values):
                return Refusal(
                    "guard",
                    word(condition.sentence, edge.label),
                    kept_by(),
                    {**facts, "condition": number, **_read(reader)},
                )
        if edge.spec.expression and not _expression_allows(edge, reader, None if inputs is None else values):
            sentence = word(edge.spec.expression_sentence) or _("“%(step)s” is not allowed now.") % {"step": edge.label}
            return Refusal("guard", sentence, kept_by(), {**facts, "expression": True, **_read(reader)})
    except GuardError as error:
        sentence = _("“%(step)s” can't be checked, so it is not allowed. The rule behind it has to be mended.")
        return _broken(kind, "guard_error", edge, sentence % {"step": edge.label}, str(error))
    return None


def broken_effect(kind: Kind, edge: CompiledEdge, effect: str, error: Exception) -> Refusal:
    """An effect that a rule of the plant refuses says so in that rule's own words."""
    label = EFFECTS[effect].label if effect in EFFECTS else effect
    why = error.sentence if isinstance(error, CommandRefused) else _("The workflow has to be mended.")
    sentence = _("“%(step)s” can't be done, because “%(effect)s” can't: %(why)s")
    problem = f"{effect}: {error}" if isinstance(error, EffectFailed) else f"{effect}: {type(error).__name__}: {error}"
    return _broken(kind, "effect_failed", edge, sentence % {"step": edge.label, "effect": label, "why": why}, problem)


def _broken(kind: Kind, code: str, edge: CompiledEdge, sentence: str, problem: str) -> Refusal:
    """What can't be signed can't be overridden either: it is mended."""
    mended_by = ", ".join(rights.holders(EDIT))
    overridden_by = ", ".join(rights.holders(OVERRIDE)) if kind.take is not None else ""
    owner = _("It can be mended by: %(roles)s.") % {"roles": mended_by} if mended_by else ""
    if overridden_by:
        owner = f"{owner} " + _("It can be overridden, with a reason, by: %(roles)s.") % {"roles": overridden_by}
    facts = {"edge": edge.spec.code, "source": edge.source.code, "problem": problem[:300]}
    return Refusal(code, sentence, owner.strip(), facts)


def _expression_allows(edge: CompiledEdge, reader: FieldReader, inputs: Mapping[str, Any] | None) -> bool:
    names = guards.names_in(edge.spec.expression)
    if inputs is None and any(name.startswith(f"{INPUTS}.") for name in names):
        return True
    program = edge.program
    if program is None:
        return True
    fields = reader.values(frozenset(name for name in names if not name.startswith(f"{INPUTS}.")))
    return guards.allows(program, fields, inputs or {})


def _read(reader: FieldReader) -> dict[str, Any]:
    return {"read": {name: value if isinstance(value, bool) else str(value) for name, value in reader.read.items()}}


def forbidden(
    kind: Kind, item: WorkflowItem, move: Move, context: Context, inputs: Mapping[str, Any]
) -> Refusal | None:
    """The first of the kind's own rules that says no; the move between statuses is one of them."""
    if not kind.allows(move.from_status, move.to_status):
        return Refusal(
            "status_move_forbidden",
            _("It can't go from %(old)s to %(new)s.")
            % {"old": kind.statuses(move.from_status).label, "new": kind.statuses(move.to_status).label},
            "",
            {"from": move.from_status, "to": move.to_status},
        )
    answers = (invariant(item, move, context, inputs) for invariant in kind.invariants)
    return next((answer for answer in answers if answer), None)


def not_from_here(kind: Kind, item: WorkflowItem, edge_code: str) -> Refusal:
    """Whoever comes second hears who came first, and when."""
    graph = item.graph
    step, state = graph.edge_label(edge_code), graph.state_label(item.state)
    facts: dict[str, Any] = {"edge": edge_code, "state": item.state, "item": f"{kind.code}:{item.pk}"}
    if edge_code not in graph.steps:
        sentence = _("“%(step)s” is no step of this workflow. Reload the screen.") % {"step": step}
        return Refusal("unknown_edge", sentence, "", facts)
    last = (
        LedgerEvent.objects.filter(kind=StateChanged.kind, subject_kind=kind.code, subject_id=str(item.pk))
        .order_by("-id")
        .first()
    )
    if last is None:
        sentence = _("“%(step)s” is not possible while it is “%(state)s”.") % {"step": step, "state": state}
        return Refusal("wrong_state", sentence, "", facts)
    sentence = _("“%(step)s” is not possible: it is “%(state)s” since %(time)s (%(who)s: “%(done)s”).") % {
        "step": step,
        "state": state,
        "time": formats.date_format(timezone.localtime(last.occurred_at), "SHORT_DATETIME_FORMAT"),
        "who": people.person_name(last.actor_id) or _("the system"),
        "done": graph.edge_label(last.data["edge"]),
    }
    return Refusal("wrong_state", sentence, "", {**facts, "event_id": last.pk})
