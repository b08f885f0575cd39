"""OEE and losses of a line, for whoever reports them elsewhere: the numbers of the floor's own page."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.equipment.actions import VIEW_MACHINES
from apps.equipment.oee import Elements, Ratio
from apps.erp_sync.api.asked import moment_in, row_in, site_in
from apps.erp_sync.api.problems import Problem
from apps.erp_sync.api.schema import READ_STATUSES, problems
from apps.erp_sync.api.serializers import text
from apps.erp_sync.api.tokens import HoldsTheScope
from apps.erp_sync.api.views import ApiView
from apps.plant.models import ReasonCode, WorkCenter
from apps.shifts.oee import UnitOee, oee_of_line

LONGEST = timedelta(days=31)


class RatioOut(serializers.Serializer[Any]):
    """A share: 0.85 is 85 %, more than 1 is not cut off. `value` null: `missing` says why."""

    value = serializers.FloatField(allow_null=True)
    missing = serializers.CharField(allow_blank=True)


class ReasonOut(serializers.Serializer[Any]):
    """`reason` empty: nobody has said why; `state`: what it was that was no stop, say cleaning."""

    reason = serializers.CharField()
    state = serializers.CharField()
    seconds = serializers.FloatField()
    count = serializers.IntegerField()


class OeeOut(serializers.Serializer[Any]):
    """`losses` in seconds, they add up to `planned_seconds`; `unit` empty: the whole line."""

    unit = serializers.CharField()
    planned_seconds = serializers.FloatField()
    losses = serializers.DictField(child=serializers.FloatField())
    good = serializers.CharField()
    produced = serializers.CharField()
    failures = serializers.IntegerField()
    oee = RatioOut()
    availability = RatioOut()
    effectiveness = RatioOut()
    quality = RatioOut()
    coverage = RatioOut()
    downtime = ReasonOut(many=True)


class OeeView(ApiView):
    scope_name = "oee"
    permission_classes = [HoldsTheScope]

    @extend_schema(
        operation_id="oee_of_line",
        tags=["oee"],
        parameters=[
            OpenApiParameter("site", str, description="Code; a token of one site need not say it."),
            OpenApiParameter("line", str, required=True, description="Code of the line"),
            OpenApiParameter("from", str, required=True, description="Begin, with its zone: 2026-06-01T06:00:00Z"),
            OpenApiParameter("until", str, required=True, description="End, at most 31 days later"),
            OpenApiParameter("said_by", str, description="Reasons of stops as given by then; now by default"),
        ],
        responses={
            200: inline_serializer("OeeOfLine", {"line": OeeOut(), "units": OeeOut(many=True)}),
            **problems(READ_STATUSES),
        },
    )
    def get(self, request: Request) -> Response:
        """By ISO 22400; of planned time without breaks, as far as it is over."""
        site = site_in(request, VIEW_MACHINES)
        line = row_in(request, "line", WorkCenter.objects.filter(site=site).select_related("site"))
        if line is None:
            raise Problem("query", 400, _("Name the line, by its code."))
        start, end = moment_in(request, "from"), moment_in(request, "until")
        if not start < end <= start + LONGEST:
            raise Problem("query", 400, _("until lies after from, at most 31 days."))
        said_by = moment_in(request, "said_by") if "said_by" in request.query_params else None
        units = oee_of_line(line, start, end, said_by=said_by)
        reasons = ReasonCode.objects.in_bulk({loss.reason_id for unit in units for loss in unit.losses})
        codes = {pk: reason.code for pk, reason in reasons.items()}
        total = sum((unit.elements for unit in units), Elements())
        return Response({"line": _shown("", total), "units": [_of_unit(unit, codes) for unit in units]})


def _of_unit(found: UnitOee, codes: dict[int, str]) -> dict[str, Any]:
    downtime = [
        {
            "reason": codes.get(loss.reason_id or 0, ""),
            "state": loss.state,
            "seconds": _seconds(loss.seconds),
            "count": loss.count,
        }
        for loss in found.losses
    ]
    return {**_shown(found.unit.code, found.elements), "downtime": downtime}


def _shown(unit: str, whole: Elements) -> dict[str, Any]:
    return {
        "unit": unit,
        "planned_seconds": _seconds(whole.planned),
        "losses": {name: _seconds(seconds) for name, seconds in whole.losses.items()},
        "good": text(whole.good),
        "produced": text(whole.produced),
        "failures": whole.failures,
        "oee": _ratio(whole.oee),
        "availability": _ratio(whole.availability),
        "effectiveness": _ratio(whole.effectiveness),
        "quality": _ratio(whole.quality_factor),
        "coverage": _ratio(whole.coverage),
        "downtime": [],
    }


def _seconds(seconds: Fraction) -> float:
    return round(float(seconds), 6)


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {
        "value": None if ratio.value is None else round(float(ratio.value), 6),
        "missing": str(ratio.missing or ""),
    }
