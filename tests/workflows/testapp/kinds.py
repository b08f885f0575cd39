from apps.workflows.engine import fire
from apps.workflows.kinds import GuardField, Kind, Refusal, ValueType, declare
from tests.workflows.testapp.actions import RUN_THING
from tests.workflows.testapp.models import Thing
from tests.workflows.testapp.models import ThingStatus as S

MOVES = {
    S.WAITING: frozenset({S.READY, S.CANCELLED}),
    S.READY: frozenset({S.RUNNING, S.HELD, S.CANCELLED}),
    S.RUNNING: frozenset({S.SUSPENDED, S.HELD, S.COMPLETED}),
    S.SUSPENDED: frozenset({S.RUNNING, S.HELD}),
    S.HELD: frozenset({S.READY, S.SUSPENDED, S.CANCELLED}),
    S.COMPLETED: frozenset({S.CLOSED}),
}


def not_while_locked(item, move, context, inputs):
    """Things called "locked" do not run, whatever a workflow says."""
    if item.name == "locked" and move.to_status == S.RUNNING:
        return Refusal("locked", "This thing is locked.", "The key lies in the office.", {"thing": item.pk})
    return None


def _fail(item):
    raise ZeroDivisionError


def count_a_move(item, move, context, inputs):
    """A field set before the row is saved goes with it: one UPDATE, one history row."""
    if move.edge == "complete_short":
        item.name = "short"


THING = declare(
    Kind(
        code="thing",
        label="thing",
        model_name="testapp.Thing",
        statuses=S,
        initial_statuses=frozenset({S.WAITING}),
        final_statuses=frozenset({S.CLOSED, S.CANCELLED}),
        held_statuses=frozenset({S.HELD}),
        running_statuses=frozenset({S.RUNNING}),
        abandoned=frozenset({S.CANCELLED}),
        moves=MOVES,
        permission=RUN_THING,
        scope=lambda item: frozenset({f"site:{item.site_id}", "everywhere"}),
        fields={
            "quantity": GuardField(type=ValueType.NUMBER, label="quantity", read=lambda item: item.quantity),
            "name": GuardField(type=ValueType.TEXT, label="name", read=lambda item: item.name),
            "tags": GuardField(type=ValueType.TEXTS, label="tags", read=lambda item: item.name.split()),
            "is_locked": GuardField(type=ValueType.BOOLEAN, label="locked", read=lambda item: item.name == "locked"),
            "broken": GuardField(type=ValueType.NUMBER, label="broken", read=_fail),
        },
        own_inputs=frozenset({"extra"}),
        invariants=[not_while_locked],
        prepare=[count_a_move],
        take=lambda context, pk, edge, inputs, warrant: fire(context, Thing, pk, edge, inputs, warrant=warrant),
        thread=lambda item: f"thing:{item.pk}",
        topics=lambda item: {f"thing:{item.pk}", "things"},
        site_id=lambda item: item.site_id,
    )
)
