"""Items go over to another version: many at once where nothing but the version changes, else one by one.

The database lets an item change its version only while this path is armed, and only along a published plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

from django.db import connection, transaction

from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.history_bulk import write_copies
from apps.workflows.definition import StateSpec
from apps.workflows.events import ItemMovedToVersion, StateChanged
from apps.workflows.graph import graph
from apps.workflows.keeping import labelled
from apps.workflows.kinds import Kind
from apps.workflows.life.planning import forbidden, inputs_of_plan, keeps, move_by_plan
from apps.workflows.life.seen import buttons_topic
from apps.workflows.models import Policy, Version, WorkflowItem

# Read by the trigger function workflows_guard_move; local to the transaction.
ARMED = "mfgos.move"
REASON = "to another version"


@dataclass(frozen=True)
class Passage:
    """Items of a kind on their way to a version, as its plan wants it."""

    context: Context
    kind: Kind
    to: Version
    policy: Policy


@dataclass(frozen=True)
class Step:
    """One item, locked, and where it goes."""

    item: WorkflowItem
    from_version_id: int
    old: StateSpec
    new: StateSpec


def step_of(item: WorkflowItem, versions: dict[int, Version], to: Version, code: str) -> Step:
    old = graph(versions[item.workflow_version_id]).states[item.state]
    return Step(item, item.workflow_version_id, old, graph(to).states[code])


def take_over(passage: Passage, steps: Sequence[Step]) -> int:
    """Moves the items; what an invariant or a hook of the kind refuses stays. Answers how many have moved."""
    plain = [step for step in steps if keeps(step.old, step.new)]
    _all_at_once(passage, plain)
    others = [step for step in steps if not keeps(step.old, step.new)]
    return len(plain) + sum(_by_itself(passage, step) for step in others)


def _all_at_once(passage: Passage, steps: Sequence[Step]) -> None:
    """Status and phase stay, so no hook has anything to do: a fixed number of statements for many items."""
    if not steps:
        return
    context, kind, to = passage.context, passage.kind, passage.to
    ids = [step.item.pk for step in steps]
    table = connection.ops.quote_name(kind.model._meta.db_table)
    with _armed(kind, to), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS item SET workflow_version_id = %s, state = plan.state "  # noqa: S608 - a table's name
            "FROM unnest(%s::bigint[], %s::text[]) AS plan(id, state) WHERE item.id = plan.id",
            [to.pk, ids, [step.new.code for step in steps]],
        )
    user = SimpleNamespace(pk=context.actor.person_id)
    write_copies(kind.model, ids, "~", user=user, at=context.now, reason=REASON)
    for step in steps:
        _put(step.item, to, step.new)
    context.record_all([_moved(passage, step) for step in steps])
    elsewhere = {topic for step in steps if _looks_different(step) for topic in kind.topics(step.item)}
    context.touch(buttons_topic(kind.code), *elsewhere)


def _looks_different(step: Step) -> bool:
    """Beyond its buttons, which have a topic of their own: where it stands is called otherwise."""
    return (step.old.code, step.old.labels) != (step.new.code, step.new.labels)


def _by_itself(passage: Passage, step: Step) -> bool:
    """What one item refuses must not undo the others."""
    try:
        with transaction.atomic():
            return _alone(passage, step)
    except CommandRefused:
        return False


def _alone(passage: Passage, step: Step) -> bool:
    """A change of status is a move like any other: invariants, hooks, and those who listen to it."""
    context, kind, to, item = passage.context, passage.kind, passage.to, step.item
    if forbidden(item, step.old, step.new, to, context):
        return False
    move, inputs = move_by_plan(step.old, step.new, to), inputs_of_plan(to)
    _put(item, to, step.new)
    for prepare in kind.prepare:
        prepare(item, move, context, inputs)
    with _armed(kind, to), labelled(item, REASON, context):
        item.save(force_update=True)
    for hook in kind.on_move:
        hook(item, move, context, inputs)
    context.record(
        StateChanged(
            **kind.story(item),
            edge="",
            from_state=move.from_state,
            to_state=move.to_state,
            from_status=move.from_status,
            to_status=move.to_status,
            from_phase=move.from_phase,
            to_phase=move.to_phase,
            version_id=to.pk,
            guard_inputs={},
            inputs={},
        )
    )
    context.record(_moved(passage, step))
    context.touch(*kind.topics(item))
    return True


def _put(item: WorkflowItem, to: Version, state: StateSpec) -> None:
    item.workflow_version = to
    item.__dict__.update(state=state.code, status=state.status)


def _moved(passage: Passage, step: Step) -> ItemMovedToVersion:
    kind, item = passage.kind, step.item
    return ItemMovedToVersion(
        **kind.story(item),
        from_version_id=step.from_version_id,
        to_version_id=passage.to.pk,
        from_state=step.old.code,
        to_state=step.new.code,
        policy=passage.policy,
    )


@contextmanager
def _armed(kind: Kind, to: Version) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [ARMED, f"{kind.model._meta.db_table}:{to.pk}"])
        yield
        cursor.execute("SELECT set_config(%s, '', true)", [ARMED])
