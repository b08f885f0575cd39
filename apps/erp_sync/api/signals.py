"""Signals of machines, posted by a gateway: many at once, each judged for itself, safe to send again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock, rights
from apps.core.actors import Origin
from apps.equipment.actions import SEND_SIGNALS
from apps.equipment.intake.meaning import Raw, time_of
from apps.equipment.intake.taking import take_signals
from apps.equipment.models import Doubt, SignalSource, Transport
from apps.erp_sync.api.problems import Problem
from apps.erp_sync.api.schema import WRITE_STATUSES, problems
from apps.erp_sync.api.tokens import Caller, HoldsTheScope
from apps.erp_sync.api.views import ApiView

MOST_SIGNALS = 5000


@extend_schema_field(OpenApiTypes.ANY)
class Anything(serializers.JSONField):
    pass


class SignalIn(serializers.Serializer[Any]):
    """`time` with its offset, or seconds or milliseconds since 1970; `id` tells a count from another like it."""

    tag = serializers.CharField(max_length=200)
    value = Anything()
    time = Anything(required=False)
    id = Anything(required=False)


class TakenOut(serializers.Serializer[Any]):
    """words: about states; counts: new ones; known: counts that had come before; kept_out: shown to a person."""

    words = serializers.IntegerField()
    counts = serializers.IntegerField()
    known = serializers.IntegerField()
    reasons = serializers.IntegerField()
    kept_out = serializers.IntegerField()


class SignalsView(ApiView):
    """Has no key of a call: what is sent again is the same signals."""

    scope_name = "signals"
    permission_classes = [HoldsTheScope]

    @extend_schema(
        operation_id="signals_send",
        tags=["signals"],
        request=inline_serializer(
            "SignalsBody",
            {"source": serializers.CharField(help_text="Code of the source"), "signals": SignalIn(many=True)},
        ),
        responses={200: TakenOut, **problems(WRITE_STATUSES)},
    )
    def post(self, request: Request) -> Response:
        caller: Caller = request.user  # type: ignore[assignment]  # the permission has seen to it
        source, sent = self._read(caller, request.data)
        now = clock.now()
        actor = caller.actor.driven_by(Origin.MACHINE)
        taken = take_signals(source, [_raw(each, now) for each in sent], actor=actor)
        return Response(asdict(taken))

    def _read(self, caller: Caller, body: Any) -> tuple[SignalSource, list[Any]]:
        if not isinstance(body, dict) or set(body) != {"source", "signals"} or not isinstance(body["signals"], list):
            raise Problem("shape", 422, _('Send an object with a "source" and a list of "signals".'))
        if not 1 <= len(body["signals"]) <= MOST_SIGNALS:
            status = 413 if body["signals"] else 422
            raise Problem("row_count", status, _("Send between 1 and %(most)s rows at once.") % {"most": MOST_SIGNALS})
        sources = SignalSource.objects.filter(transport=Transport.REST, active=True, code=str(body["source"])[:40])
        own = [each for each in sources.select_related("site") if rights.may(caller.actor, SEND_SIGNALS, each.scope)]
        if len(own) != 1:
            raise Problem("source", 422, _("There is no such source of signals here."), field="source")
        return own[0], body["signals"]


def _raw(sent: Any, received_at: datetime) -> Raw:
    """One that has no shape is kept out by itself, and spoils no other."""
    if not isinstance(sent, dict) or not isinstance(sent.get("tag"), str) or "value" not in sent:
        return Raw("", sent, received_at, doubt=Doubt.NOT_READABLE)
    number = sent.get("id", "")
    if isinstance(number, bool) or not isinstance(number, str | int | Decimal):
        return Raw(sent["tag"], sent, received_at, doubt=Doubt.NOT_READABLE)
    at = time_of(sent["time"]) if sent.get("time") is not None else None
    doubt = Doubt.BAD_TIME if sent.get("time") is not None and at is None else None
    return Raw(sent["tag"], sent["value"], received_at, at, str(number), doubt)
