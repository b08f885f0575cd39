"""Signing a way out at the station: by who is signed in, or by somebody who comes over and holds a badge to the reader.

Whoever signs, the next entry stays that of who is signed in.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.core.actors import Actor
from apps.floor import entry
from apps.floor.views import acted, at_station, badge_was_scanned, is_signed_in
from apps.orders.models import JobOrder
from apps.plant import sessions
from apps.plant.models import WorkUnit
from apps.workflows.kinds import kind_of
from apps.workflows.people import person_name
from apps.workflows.signatures import Signed, override_edge, sign_edge, withdraw_signatures


class _Edge(TypedDict):
    item_kind: str
    item_id: int
    edge: str


@require_POST
@at_station
def sign_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    if is_signed_in(request) and entry.has_badge(request.POST):
        return badge_was_scanned()

    def act() -> str:
        signer, proof = _signer(request)
        signed = sign_edge(
            signer, entry.command_id_of(request.POST), **_edge(request), inputs=entry.inputs(request.POST), proof=proof
        )
        _note_act(request, signer)
        return _said(signer, signed)

    return acted(request, unit, act, is_session_s=False)


@require_POST
@at_station
def override_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    if is_signed_in(request) and entry.has_badge(request.POST):
        return badge_was_scanned()

    def act() -> str:
        proved = entry.proved(request)
        signed = override_edge(
            proved.actor,
            entry.command_id_of(request.POST),
            **_edge(request),
            inputs=entry.inputs(request.POST),
            reason=request.POST.get("why", ""),
            proof=proved.proof,
        )
        _note_act(request, proved.actor)
        name = person_name(proved.actor.person_id)
        if signed.is_taken:
            return _("Overridden by %(name)s. It is on record.") % {"name": name}
        return _("Overridden by %(name)s. The signatures come next.") % {"name": name}

    return acted(request, unit, act, is_session_s=False)


@require_POST
@at_station
def withdraw_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> str:
        actor = entry.actor_of(request)
        withdraw_signatures(actor, entry.command_id_of(request.POST), **_edge(request))
        return _("The signatures were withdrawn.")

    return acted(request, unit, act)


def _edge(request: HttpRequest) -> _Edge:
    return {
        "item_kind": kind_of(JobOrder).code,
        "item_id": entry.row_id(request.POST, "job"),
        "edge": request.POST.get("edge", ""),
    }


def _signer(request: HttpRequest) -> tuple[Actor, UUID | None]:
    """Who has proved it in this form, or where it asks for nothing who is signed in."""
    if "badge" in request.POST or "password" in request.POST:
        proved = entry.proved(request)
        return proved.actor, proved.proof
    return entry.actor_of(request), None


def _note_act(request: HttpRequest, signer: Actor) -> None:
    """Somebody else's signature does not put the lock of the screen off."""
    if signer.person_id == request.actor.person_id:  # type: ignore[attr-defined]  # at_station has seen it
        sessions.note_act(request.session)


def _said(signer: Actor, signed: Signed) -> str:
    name = person_name(signer.person_id)
    if signed.is_taken:
        return _("Signed by %(name)s.") % {"name": name}
    sentence = ngettext(
        "Signed by %(name)s; one more is needed.", "Signed by %(name)s; %(n)s more are needed.", signed.missing
    )
    return sentence % {"name": name, "n": signed.missing}
