"""The blocked work orders, for whoever plans or tells customers elsewhere."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.andon.cures import InPlace
from apps.erp_sync.api.asked import number_in, row_in, site_in
from apps.erp_sync.api.schema import READ_STATUSES, problems
from apps.erp_sync.api.serializers import text
from apps.erp_sync.api.tokens import Caller, HoldsTheScope
from apps.erp_sync.api.views import LONGEST_PAGE, PAGE, ApiView
from apps.orders.actions import VIEW_ORDERS
from apps.orders.blocked import Stopped, Wanted, blocked
from apps.plant.models import Area, WorkCenter


class CureOut(serializers.Serializer[Any]):
    """`why_not` is empty where it can be done now, by who may."""

    code = serializers.CharField()
    name = serializers.CharField()
    cost = serializers.CharField()
    why_not = serializers.CharField()


class BlockedOut(serializers.Serializer[Any]):
    """`reach` and `cause` in words; `from_quantity`: so many pieces can be made; `over`: the deadline has passed."""

    order = serializers.CharField()
    order_key = serializers.CharField()
    operation = serializers.IntegerField(allow_null=True)
    line = serializers.CharField()
    cause_kind = serializers.CharField()
    cause = serializers.CharField()
    reach = serializers.CharField()
    from_quantity = serializers.CharField(allow_null=True)
    quantity = serializers.CharField()
    owner = serializers.CharField()
    status = serializers.CharField()
    since = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField(allow_null=True)
    over = serializers.BooleanField()
    due_at = serializers.DateTimeField(allow_null=True)
    cures = CureOut(many=True)


class BlockedView(ApiView):
    scope_name = "blocked"
    permission_classes = [HoldsTheScope]

    @extend_schema(
        operation_id="blocked_list",
        tags=["blocked"],
        parameters=[
            OpenApiParameter("site", str, description="Code; a token of one site need not say it."),
            OpenApiParameter("line", str, description="Code of a line"),
            OpenApiParameter("area", str, description="Code of an area"),
            OpenApiParameter("page", int, description="1 by default"),
            OpenApiParameter("limit", int, description="1 to 1000, 100 by default"),
        ],
        responses={
            200: inline_serializer(
                "BlockedPage", {"total": serializers.IntegerField(), "results": BlockedOut(many=True)}
            ),
            **problems(READ_STATUSES),
        },
    )
    def get(self, request: Request) -> Response:
        """The nearest deadline or due date first."""
        caller: Caller = request.user  # type: ignore[assignment]  # the permission has seen to it
        site = site_in(request, VIEW_ORDERS)
        line = row_in(request, "line", WorkCenter.objects.filter(site=site))
        area = row_in(request, "area", Area.objects.filter(site=site))
        wanted = Wanted(line_id=line.pk if line else None, area_id=area.pk if area else None)
        size = number_in(request, "limit", PAGE, LONGEST_PAGE)
        page = blocked(caller.actor, site.pk, wanted, page=number_in(request, "page", 1, 100_000) or 1, size=size)
        return Response({"total": page.total, "results": [_shown(row) for row in page.rows]})


def _shown(row: Stopped) -> dict[str, Any]:
    exception, job = row.exception, row.job
    line = job.work_center if job else exception.work_center
    return {
        "order": row.order.number,
        "order_key": row.order.erp_key,
        "operation": job.sequence if job else None,
        "line": line.code if line else "",
        "cause_kind": exception.cause_kind,
        "cause": row.cause,
        "reach": row.reach,
        "from_quantity": text(row.blocker.from_quantity) if row.blocker else None,
        "quantity": text(row.order.quantity),
        "owner": exception.owner.username,
        "status": exception.status,
        "since": exception.raised_at,
        "deadline_at": exception.deadline_at,
        "over": row.is_over,
        "due_at": row.order.due_at,
        "cures": [_cure(way) for way in row.cures],
    }


def _cure(way: InPlace) -> dict[str, str]:
    """Without the inputs: it is pressed on the floor, by a person."""
    return {
        "code": way.cure.code,
        "name": way.offer.label,
        "cost": way.offer.cost,
        "why_not": way.offer.why_not,
    }
