"""Working together at a station: a partner comes over and agrees with badge and PIN, and either of them ends it.

Whoever agrees, the next entry stays that of who is signed in.
"""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.floor import entry
from apps.floor.views import acted, at_station
from apps.orders.commands import stop_working_together, work_together
from apps.plant.models import WorkUnit
from apps.workflows.people import person_name


@require_POST
@at_station
def join_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> str:
        with_person_id = entry.actor_of(request).person_id
        assert with_person_id is not None
        partner = entry.proved_by_badge(request)
        # Each press proves it anew; pressed twice it is one partnership all the same.
        work_together(
            partner.actor,
            uuid4(),
            job_order_id=entry.row_id(request.POST, "job"),
            with_person_id=with_person_id,
            proof=partner.proof,
        )
        return _("%(name)s works together with you.") % {"name": person_name(partner.actor.person_id)}

    return acted(request, unit, act, is_session_s=False)


@require_POST
@at_station
def part_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> None:
        stop_working_together(
            entry.actor_of(request),
            entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            person_id=entry.row_id(request.POST, "person") if request.POST.get("person") else None,
        )

    return acted(request, unit, act)
