"""The change request as a kind that runs on workflows: what no configuration can bypass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.commands import Context
from apps.materials.models import ItemKind
from apps.orders.actions import HANDLE_CHANGE
from apps.orders.aftermath import items_known
from apps.orders.commands.change_requests import KIND, take, thread_of, topic_of
from apps.orders.models import ChangeNote, ChangeRequest, ChangeRequestStatus
from apps.workflows.kinds import GuardField, Kind, Move, Refusal, ValueType, declare

S = ChangeRequestStatus

MOVES: Mapping[str, frozenset[str]] = {
    S.REQUESTED: frozenset({S.ASSESSED, S.REJECTED}),
    S.ASSESSED: frozenset({S.REQUESTED, S.APPROVING, S.APPROVED, S.REJECTED}),
    S.APPROVING: frozenset({S.REQUESTED, S.ASSESSED, S.APPROVED, S.REJECTED}),
    S.APPROVED: frozenset({S.ASSESSED, S.IMPLEMENTED, S.REJECTED}),
    S.IMPLEMENTED: frozenset({S.APPROVED, S.CLOSED}),
}


def approved_by_somebody_else(
    request: ChangeRequest, move: Move, context: Context, _inputs: Mapping[str, Any]
) -> Refusal | None:
    """Also where several approve one after the other."""
    if move.to_status not in {S.APPROVING, S.APPROVED} or context.actor.person_id != request.requested_by_id:
        return None
    return Refusal("own_request", _("You have asked for this change, so somebody else approves it."))


def keep_what_was_typed(request: ChangeRequest, move: Move, context: Context, inputs: Mapping[str, Any]) -> None:
    edge = request.graph.edge(move.edge, move.from_state)
    asked = edge.spec.all_inputs if edge else []
    ChangeNote.objects.bulk_create(
        ChangeNote(
            request=request,
            site_id=request.site_id,
            edge=move.edge,
            labels=spec.labels,
            text=inputs[spec.name],
            written_by_id=context.actor.person_id,
            written_at=context.occurred_at,
        )
        for spec in asked
        if spec.type == "text" and inputs.get(spec.name)
    )


CHANGE_REQUEST = declare(
    Kind(
        code=KIND,
        label=gettext_lazy("change request"),
        model_name="orders.ChangeRequest",
        statuses=ChangeRequestStatus,
        initial_statuses=frozenset({S.REQUESTED}),
        final_statuses=frozenset({S.CLOSED, S.REJECTED}),
        abandoned=frozenset({S.REJECTED}),
        moves=MOVES,
        permission=HANDLE_CHANGE,
        scope=lambda request: request.scope,
        fields={
            "item": GuardField(type=ValueType.TEXT, label=gettext_lazy("item"), read=lambda request: request.item.code),
            "line": GuardField(
                type=ValueType.TEXT,
                label=gettext_lazy("line"),
                read=lambda request: request.work_center.code if request.work_center else "",
                codes_of="work_center",
            ),
            "is_made_here": GuardField(
                type=ValueType.BOOLEAN,
                label=gettext_lazy("made, not bought"),
                read=lambda request: request.item.kind == ItemKind.MADE,
            ),
        },
        on_move=[keep_what_was_typed],
        invariants=[approved_by_somebody_else],
        take=take,
        thread=thread_of,
        topics=lambda request: {topic_of(request)},
        site_id=lambda request: request.site_id,
        line="work_center",
        known={"item": items_known},
        reads=["site", "item", "work_center__site", "work_center__area"],
    )
)
