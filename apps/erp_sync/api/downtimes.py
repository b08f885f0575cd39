"""The machines that stand now: since when, why, and until when, for whoever plans elsewhere."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.equipment.actions import VIEW_MACHINES
from apps.equipment.estimates import Basis, Estimate, estimates
from apps.equipment.models import Downtime
from apps.erp_sync.api.asked import number_in, row_in, site_in
from apps.erp_sync.api.schema import READ_STATUSES, problems
from apps.erp_sync.api.tokens import Caller, HoldsTheScope
from apps.erp_sync.api.views import LONGEST_PAGE, PAGE, ApiView
from apps.plant.models import Area, WorkCenter


class EstimateOut(serializers.Serializer[Any]):
    """The median of so many stops for the same reason, at the machine, else the line, else anywhere. `late`: it lasts
    longer than that, then `ends_at` is now.
    """

    ends_at = serializers.DateTimeField()
    late = serializers.BooleanField()
    usual_seconds = serializers.FloatField()
    stops = serializers.IntegerField()
    basis = serializers.ChoiceField(Basis.choices)


class DowntimeOut(serializers.Serializer[Any]):
    """`reason` of what goes on, null: nobody has said; `estimate` null: not said, or too few such stops so far."""

    id = serializers.IntegerField()
    line = serializers.CharField()
    station = serializers.CharField()
    since = serializers.DateTimeField()
    reason = serializers.CharField(allow_null=True)
    reason_name = serializers.CharField(allow_null=True)
    estimate = EstimateOut(allow_null=True)


class DowntimesView(ApiView):
    scope_name = "downtimes"
    permission_classes = [HoldsTheScope]

    @extend_schema(
        operation_id="downtimes_list",
        tags=["downtimes"],
        parameters=[
            OpenApiParameter("site", str, description="Code; a token of one site need not say it."),
            OpenApiParameter("line", str, description="Code of a line"),
            OpenApiParameter("area", str, description="Code of an area"),
            OpenApiParameter("page", int, description="1 by default"),
            OpenApiParameter("limit", int, description="1 to 1000, 100 by default"),
        ],
        responses={
            200: inline_serializer(
                "DowntimePage", {"total": serializers.IntegerField(), "results": DowntimeOut(many=True)}
            ),
            **problems(READ_STATUSES),
        },
    )
    def get(self, request: Request) -> Response:
        """Those that go on, the oldest first."""
        caller: Caller = request.user  # type: ignore[assignment]  # the permission has seen to it
        site = site_in(request, VIEW_MACHINES)
        rows = Downtime.objects.visible_to(caller.actor).open().filter(site=site)
        if line := row_in(request, "line", WorkCenter.objects.filter(site=site)):
            rows = rows.filter(work_unit__work_center=line)
        if area := row_in(request, "area", Area.objects.filter(site=site)):
            rows = rows.filter(work_unit__work_center__area=area)
        size = number_in(request, "limit", PAGE, LONGEST_PAGE)
        start = ((number_in(request, "page", 1, 100_000) or 1) - 1) * size
        shown = rows.select_related("work_unit__work_center").prefetch_related("parts__reason")
        page = list(shown.order_by("started_at", "pk")[start : start + size])
        likely = estimates(page, now=clock.now())
        return Response({"total": rows.count(), "results": [_shown(row, likely.get(row.pk)) for row in page]})


def _shown(downtime: Downtime, likely: Estimate | None) -> dict[str, Any]:
    reason = max(downtime.parts.all(), key=lambda part: part.started_at).reason
    return {
        "id": downtime.pk,
        "line": downtime.work_unit.work_center.code,
        "station": downtime.work_unit.code,
        "since": downtime.started_at,
        "reason": reason.code if reason else None,
        "reason_name": reason.label() if reason else None,
        "estimate": _estimate(likely) if likely else None,
    }


def _estimate(likely: Estimate) -> dict[str, Any]:
    return {
        "ends_at": likely.ends_at,
        "late": likely.is_late,
        "usual_seconds": likely.usual.length.total_seconds(),
        "stops": likely.usual.stops,
        "basis": likely.usual.basis.value,
    }
