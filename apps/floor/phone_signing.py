"""Signing from the phone or a desk: what somebody else has begun to sign at a station, and what is broken."""

from __future__ import annotations

from uuid import uuid5

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.andon.commands import remark
from apps.andon.models import FloorException
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.overriding import NOTE, inputs_of, override_of
from apps.floor.phone import answered, for_exception, person_of, to_sign_in, who_is_asked
from apps.floor.to_sign import ToSign, one_to_sign
from apps.floor.views import REFUSED
from apps.plant import sessions
from apps.plant.models import Person
from apps.workflows.kinds import kind_of
from apps.workflows.signatures import override_edge, sign_edge


@never_cache
@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """404 for what does not wait for this one: it has been signed, withdrawn, or is not theirs."""
    actor = who_is_asked(request)
    if actor is None:
        return to_sign_in(request)
    waiting = one_to_sign(pk, actor)
    if waiting is None:
        raise Http404
    person = person_of(actor)
    with timezone.override(person.site.zone if person.site else None):
        return _signed(request, actor, waiting) if request.method == "POST" else _page(request, person, waiting)


def _page(request: HttpRequest, person: Person, waiting: ToSign) -> HttpResponse:
    terminal_id = request.actor.terminal_id  # type: ignore[attr-defined]  # who_is_asked has seen it
    context = {"person": person, "waiting": waiting, "at_terminal": terminal_id is not None, "addresses": []}
    return render(request, "floor/phone_sign.html", context)


def _signed(request: HttpRequest, actor: Actor, waiting: ToSign) -> HttpResponse:
    try:
        proof = entry.proved(request).proof if waiting.signature.credentials else None
        sign_edge(
            actor,
            entry.command_id_of(request.POST),
            item_kind=waiting.step.item_kind,
            item_id=waiting.step.item_id,
            edge=waiting.step.edge,
            inputs={},
            proof=proof,
        )
    except CommandRefused as refusal:
        return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
    sessions.note_act(request.session)
    return HttpResponse(headers={"HX-Redirect": reverse("floor:phone")})


@require_POST
@for_exception
def override(request: HttpRequest, exception: FloorException) -> HttpResponse:
    """An answer although its step is broken; refused, the form stays with what it was to send."""
    edge = request.POST.get("edge", "")
    try:
        proved, command_id = entry.proved(request), entry.command_id_of(request.POST)
        override_edge(
            proved.actor,
            command_id,
            item_kind=kind_of(FloorException).code,
            item_id=exception.pk,
            edge=edge,
            inputs=inputs_of(request.POST),
            reason=request.POST.get("why", ""),
            proof=proved.proof,
        )
        if note := request.POST.get(NOTE, "").strip():
            remark(proved.actor, uuid5(command_id, NOTE), exception_id=exception.pk, text=note)
    except CommandRefused as refusal:
        again = override_of(exception, edge, request.POST.get("act", ""), request.POST)
        return answered(request, exception, refusal, again)
    sessions.note_act(request.session)
    return answered(request, exception)
