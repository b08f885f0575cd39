"""Whoever answers a call sends for maintenance, where it is the machine that needs somebody."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.asking import ask
from apps.andon.commands.calling import CALLS
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import FloorException
from apps.andon.owners import Finder
from apps.core import clock
from apps.core.commands import Context
from apps.equipment.commands.maintenance import request_maintenance
from apps.equipment.models import MaintenanceRequest
from apps.plant.models import Person

# Codes of the shipped roles, who is asked first.
MAINTENANCE = ("maintenance_technician", "maintenance_lead")


def _first_of(finder: Finder, exception: FloorException) -> int | None:
    found = (person_id for role in MAINTENANCE for person_id in finder.on_duty(role, exception.scope))
    return next(found, None)


def _offers(subjects: Subjects) -> Offers:
    at_units = [subject for subject in subjects if subject.exception.work_unit_id is not None]
    finder = Finder(clock.now())
    asked = {subject: _first_of(finder, subject.exception) for subject in at_units}
    names = dict(Person.objects.filter(pk__in={pk for pk in asked.values() if pk}).values_list("pk", "name"))
    open_ones = MaintenanceRequest.objects.filter(
        work_unit__in={subject.exception.work_unit_id for subject in at_units}, done_at=None
    )
    under_way = {request.work_unit_id: request for request in open_ones}
    return {
        subject: [_offer(asked[subject], names, under_way.get(subject.exception.work_unit_id or 0))]
        for subject in at_units
    }


def _offer(person_id: int | None, names: Mapping[int, str], under_way: MaintenanceRequest | None) -> Offer:
    why_not = ""
    if under_way is not None:
        asked_at = timezone.localtime(under_way.requested_at)
        why_not = _("Maintenance was asked for at %(time)s.") % {"time": f"{asked_at:%H:%M}"}
    cost = (
        _("%(name)s is told") % {"name": names[person_id]}
        if person_id
        else _("nobody of maintenance is on duty: it is asked for in writing")
    )
    return Offer(label=str(SEND.label), cost=cost, why_not=why_not)


def _send(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    exception = subject.exception
    assert exception.work_unit_id is not None, "it was offered for a machine"
    request_maintenance.within(context, work_unit_id=exception.work_unit_id, exception_id=exception.pk)
    person_id = _first_of(Finder(context.now), exception)
    if person_id is not None:
        text = _("Please come and look after the machine: %(what)s") % {"what": exception.sentence}
        ask(context, exception, person_id, text, role=MAINTENANCE[0])


SEND = declare(
    Cure(
        code="send_for_maintenance",
        cause_kinds=CALLS,
        label=gettext_lazy("Send for maintenance"),
        permission=ANSWER,
        offers=_offers,
        run=_send,
    )
)
