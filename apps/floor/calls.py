"""Calls from a station, whoever is signed in there, or nobody: help, safety."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.andon.commands import call_for_help, report_safety, ring_again
from apps.andon.models import ExceptionStatus, FloorException
from apps.andon.path import Look, looks
from apps.andon.queries import SHOWN
from apps.andon.rows import Standing
from apps.andon.sla import ZERO
from apps.core.commands import Command
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.alerts import ring
from apps.floor.views import REFUSED, at_station
from apps.orders.commands import call_for_skill
from apps.plant import sessions
from apps.plant.models import Person, WorkUnit


@require_POST
@at_station
def call_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    return _called(request, unit, call_for_help)


@require_POST
@at_station
def safety_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    return _called(request, unit, report_safety)


@require_POST
@at_station
def skill_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:  # noqa: ARG001
    """Who wants to go on and may not, for want of a qualification."""
    try:
        called = call_for_skill(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            edge=request.POST.get("edge", ""),
        )
    except CommandRefused as refusal:
        return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
    sessions.note_act(request.session)
    look = _look(called.exception_id)
    person = Person.objects.filter(pk__in=[called.person_id]).first()
    sentence = (
        _("%(name)s is qualified and was called.") % {"name": person.name}
        if person
        else _("Nobody who is qualified is on duty. %(said)s") % {"said": said(look)}
    )
    return render(request, "floor/_notice.html", {"said": sentence, "ring": ring(look)})


@require_POST
@at_station
def ring_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    try:
        rung = ring_again(
            request.actor,  # type: ignore[attr-defined]  # a person or just the terminal: at_station has seen it
            entry.command_id_of(request.POST),
            work_unit_id=unit.pk,
        )
    except CommandRefused as refusal:
        return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
    sessions.note_act(request.session)
    people = Person.objects.get_queryset().in_bulk(rung.person_ids)
    names = ", ".join(str(people[key]) for key in rung.person_ids if key in people)
    sentence = _("%(names)s: called again at %(time)s.") % {"names": names, "time": _clock(rung.at)}
    return render(request, "floor/_notice.html", {"said": sentence})


def _look(exception_id: int) -> Look:
    (look,) = looks(FloorException.objects.select_related(*SHOWN).filter(pk=exception_id))
    return look


def _called(request: HttpRequest, unit: WorkUnit, call: Command[..., Standing]) -> HttpResponse:
    """Once more is the same call: the answer says how it stands."""
    try:
        standing = call(
            request.actor,  # type: ignore[attr-defined]  # a person or just the terminal: at_station has seen it
            entry.command_id_of(request.POST),
            work_unit_id=unit.pk,
        )
    except CommandRefused as refusal:
        return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
    sessions.note_act(request.session)
    look = _look(standing.exception_id)
    return render(request, "floor/_notice.html", {"said": said(look), "ring": ring(look)})


def said(look: Look) -> str:
    """Who was called, and when somebody comes; for whoever has called."""
    exception = look.exception
    name = exception.owner.name
    if exception.status in (ExceptionStatus.RESOLVED, ExceptionStatus.CLOSED):
        return _("%(name)s has resolved it.") % {"name": name}
    if exception.status == ExceptionStatus.OPEN:
        return _waiting(look)
    if exception.arrives_at and exception.arrives_at > look.at:
        return _("%(name)s is coming, and is there at %(time)s.") % {"name": name, "time": _clock(exception.arrives_at)}
    return _("%(name)s has answered.") % {"name": name}


def _waiting(look: Look) -> str:
    rung = look.reached or look.rungs[0]
    called = {"name": rung.person or look.exception.owner, "time": _clock(rung.reached_at)}
    left = look.clock.left if look.clock else None
    if rung.number == 0 and left is not None and left > ZERO:
        minutes = math.ceil(left / timedelta(minutes=1))
        return _("%(name)s was called at %(time)s, and answers within %(minutes)s min.") % {
            **called,
            "minutes": minutes,
        }
    said = _("%(name)s was called at %(time)s, and has not answered yet.") % called
    following = look.next
    if following is None or following.person is None:
        return said
    then = _("%(name)s is called at %(time)s.") % {"name": following.person, "time": _clock(following.due)}
    return f"{said} {then}"


def _clock(at: datetime | None) -> str:
    return date_format(localtime(at), "H:i") if at else ""
