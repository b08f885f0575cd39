"""What people at a station say of its machine: it stands, why, it runs again."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.core.errors import CommandRefused
from apps.equipment.commands.machines import running_again, stop_machine
from apps.equipment.commands.stops import classify_stop
from apps.floor import entry
from apps.floor.views import REFUSED, at_station
from apps.plant import sessions
from apps.plant.models import WorkUnit


@require_POST
@at_station
def stopped_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    """By whoever is signed in, or nobody; said again it is the same stop."""

    def act() -> None:
        stop_machine(
            request.actor,  # type: ignore[attr-defined]  # a person or just the terminal: at_station has seen it
            entry.command_id_of(request.POST),
            work_unit_id=unit.pk,
        )

    return _said(request, act)


@require_POST
@at_station
def runs_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    """By who is signed in and may, or by nobody: a screen that has locked itself does not keep a machine stopped."""

    def act() -> None:
        running_again(
            request.actor,  # type: ignore[attr-defined]  # a person or just the terminal: at_station has seen it
            entry.command_id_of(request.POST),
            work_unit_id=unit.pk,
        )

    return _said(request, act)


@require_POST
@at_station
def why_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:  # noqa: ARG001
    def act() -> None:
        classify_stop(
            entry.actor_of(request),
            entry.command_id_of(request.POST),
            downtime_id=entry.row_id(request.POST, "downtime"),
            version=entry.row_id(request.POST, "version"),
            reason_id=entry.row_id(request.POST, "reason"),
        )

    return _said(request, act)


def _said(request: HttpRequest, act: Callable[[], None]) -> HttpResponse:
    """What has become of it comes over the live channel."""
    try:
        act()
    except CommandRefused as refusal:
        return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED)
    sessions.note_act(request.session)
    return render(request, "floor/_notice.html", {})
