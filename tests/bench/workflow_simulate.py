"""100,000 moves of 10,000 operations are laid over a draft, against a bare loop that only reads the same events.

The draft asks for a guard that half of the moves have read then (the others are judged by the item's row of that time),
for another role, a limit and a second signature; the version in force is judged beside it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.bench.blocked_page import JOBS, ORDERS
from tests.bench.figures import load, told
from tests.bench.replaying import BARS, ITEMS, MOVES, Progress, measured
from tests.bench.running import own_wire, product

MOVED = "workflows.state_changed"

HISTORY = """
INSERT INTO orders_historicaljoborder ({columns}, history_date, history_type)
SELECT {columns}, now() - interval '40 days', '+' FROM orders_joborder WHERE work_order_id IN
    (SELECT id FROM orders_workorder WHERE number LIKE 'SIM-%%')
"""
# start, then pause and resume by turns, then complete; every second one with what its guard read.
EVENTS = """
INSERT INTO core_ledgerevent (kind, site_id, subject_kind, subject_id, thread, actor_id, agent, origin, occurred_at,
                              erp_reference, data)
SELECT %(kind)s, %(site)s, 'job_order', job.id::text, '', %(person)s, '', 'chosen',
       now() - interval '20 days' + step.n * interval '1 hour' + job.id * interval '1 second', '',
       jsonb_build_object('item_kind', 'job_order', 'edge', step.edge, 'from_state', step.source, 'to_state',
         step.target, 'from_status', 'running', 'to_status', 'running', 'from_phase', '', 'to_phase', '',
         'version_id', %(version)s, 'inputs', '{}'::jsonb,
         'guard_inputs', CASE WHEN job.id %% 2 = 0 THEN '{"quantity": "24"}'::jsonb ELSE '{}'::jsonb END)
  FROM orders_joborder job
 CROSS JOIN (SELECT n, CASE WHEN n = 0 THEN 'start' WHEN n = %(last)s THEN 'complete'
                            WHEN n %% 2 = 1 THEN 'pause' ELSE 'resume' END AS edge,
                    CASE WHEN n = 0 THEN 'ready' WHEN n %% 2 = 1 THEN 'running' ELSE 'paused' END AS source,
                    CASE WHEN n = %(last)s THEN 'completed' WHEN n %% 2 = 1 THEN 'paused' ELSE 'running' END AS target
               FROM generate_series(0, %(last)s) AS n) AS step
 WHERE job.work_order_id IN (SELECT id FROM orders_workorder WHERE number LIKE 'SIM-%%')
 ORDER BY {order}
"""


def main() -> None:
    with product():
        version, draft = prepared()
        result, figures = measured("simulation", MOVED, partial(replay_it, version, draft))
        tally = result.draft
        print(
            f"{tally.moves} moves of {tally.items} items, {tally.stopped} stopped, {tally.exact} exact, "
            f"{tally.estimated} estimated, {tally.impossible} impossible, {load()}"
        )
    told("workflow_simulate", figures, BARS)


def prepared(kind: str = MOVED, order: str = "step.n, job.id") -> tuple[Any, Any]:
    """`kind`: of the events      order  in which the ledger has them"""
    from django.db import connection, transaction

    from apps.orders.models import JobOrder
    from apps.plant.models import Person, WorkCenter
    from apps.workflows.models import Version
    from apps.workflows.rows import to_definition

    line = WorkCenter.objects.get(code="L3")
    version = (
        Version.objects.select_related("workflow").filter(workflow__code="job_order", status="published").latest("pk")
    )
    inputs: dict[str, Any] = {
        "site": line.site_id,
        "line": line.pk,
        "version": version.pk,
        "prefix": "SIM-",
        "orders": ITEMS // 2,
        "person": Person.objects.get(username="olu").pk,
        "last": MOVES - 1,
        "kind": kind,
    }
    columns = ", ".join(field.column for field in JobOrder._meta.concrete_fields)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (ORDERS, JOBS, HISTORY.format(columns=columns), EVENTS.replace("{order}", order)):
            cursor.execute(statement, inputs)
    with own_wire() as wire:
        wire.autocommit = True
        wire.execute("ANALYZE")
    return version, changed(to_definition(version))


def changed(definition: Any) -> Any:
    texts = {"en": "Too few.", "de": "Zu wenige."}
    otherwise: dict[str, dict[str, Any]] = {
        "start": {"conditions": [{"field": "quantity", "operator": ">", "value": 5, "sentence": texts}]},
        "pause": {"expression": "quantity > 5.0", "expression_sentence": texts},
        "resume": {"roles": ["line_lead"], "at_most": 3},
        "complete": {"signature": {"meaning": texts, "signers": 2, "not_same_as": ["start"]}},
    }
    content = definition.model_dump(mode="json")
    for edge in content["edges"]:
        edge.update(otherwise.get(edge["code"], {}))
    return type(definition).model_validate(content)


def replay_it(version: Any, draft: Any, moves: int, progress: Progress) -> Any:
    from apps.workflows.kinds import KINDS
    from apps.workflows.simulate.borrowed import past_of
    from apps.workflows.simulate.past import Span
    from apps.workflows.simulate.replay import replay

    span = Span(moves=moves)
    return replay(KINDS["job_order"], draft, past_of(version, draft).befores, version, span, progress=progress)


if __name__ == "__main__":
    main()
