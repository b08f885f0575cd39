"""My duty, on the phone: on, off with a word on what I leave behind, away with a deputy, handed to a colleague."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid5

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from apps.andon.commands import remark
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.duty_look import duty_look
from apps.floor.phone import for_person
from apps.floor.views import REFUSED
from apps.plant import sessions
from apps.plant.commands import end_absence, go_off_duty, go_on_duty, report_absent, swap_duty
from apps.plant.models import Person

NOTE = "note."
AWAY_HOURS = (1, 4, 8, 24)


@require_GET
@for_person
def duty_page(request: HttpRequest, person: Person) -> HttpResponse:
    context = {"person": person, "duty": duty_look(person, clock.now()), "hours": AWAY_HOURS}
    return render(request, "floor/duty.html", context)


def duty_act(request: HttpRequest, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    return _acting(ACTS[act])(request)


Act = Callable[[Actor, UUID, QueryDict], object]


def _acting(act: Act) -> Callable[[HttpRequest], HttpResponse]:
    @require_POST
    @for_person
    def view(request: HttpRequest, _person: Person) -> HttpResponse:
        try:
            act(entry.actor_of(request), entry.command_id_of(request.POST), request.POST)
        except CommandRefused as refusal:
            return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
        sessions.note_act(request.session)
        return HttpResponse(headers={"HX-Refresh": "true"})

    return view


def _leave_notes(who: Actor, key: UUID, sent: QueryDict) -> None:
    """What the next one has to know, each by an act of its own: sent twice it is said once."""
    for name, text in sent.items():
        number = name.removeprefix(NOTE)
        if name.startswith(NOTE) and number.isdigit() and str(text).strip():
            remark(who, uuid5(key, name), exception_id=int(number), text=str(text))


def _off(who: Actor, key: UUID, sent: QueryDict) -> None:
    _leave_notes(who, key, sent)
    go_off_duty(who, key)


def _away(who: Actor, key: UUID, sent: QueryDict) -> None:
    _leave_notes(who, key, sent)
    hours = entry.whole(sent, "hours") if sent.get("hours") else None
    report_absent(
        who,
        key,
        ends_at=clock.now().replace(second=0, microsecond=0) + timedelta(hours=hours) if hours else None,
        deputy_id=entry.row_id(sent, "deputy") if sent.get("deputy") else None,
    )


def _swap(who: Actor, key: UUID, sent: QueryDict) -> None:
    assert who.person_id is not None
    swap_duty(
        who,
        key,
        entry_id=entry.row_id(sent, "entry"),
        from_person_id=who.person_id,
        to_person_id=entry.row_id(sent, "person"),
    )


ACTS: dict[str, Act] = {
    "on": lambda who, key, _sent: go_on_duty(who, key),
    "off": _off,
    "away": _away,
    "back": lambda who, key, sent: end_absence(who, key, absence_id=entry.row_id(sent, "absence")),
    "swap": _swap,
}
