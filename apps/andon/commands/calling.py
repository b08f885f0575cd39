"""Calls that work for everybody, at every moment, on a locked terminal too: recorded as the terminal, unidentified."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.climbing import Office, all_on_level
from apps.andon.events import RungAgain
from apps.andon.models import FloorException, Occasion
from apps.andon.raising import raise_exception
from apps.andon.rows import Standing, locked, standing
from apps.andon.telling import tell
from apps.core.commands import Context, command
from apps.plant.models import WorkUnit

HELP, SAFETY = "help", "safety"
CALLS = frozenset({HELP, SAFETY})
# Whoever is called twice within it has had no time to answer the first call.
RING_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Who was told again, the owner first."""

    exception_id: int
    person_ids: list[int]
    at: datetime


@command("andon.call_for_help")
def call_for_help(context: Context, *, work_unit_id: int) -> Standing:
    """Somebody is needed at the station, whatever runs there. A second call joins the first.

    Raises CommandRefused: not_found, for a station that is not there.
    """
    return _call(context, work_unit_id, HELP)


@command("andon.report_safety")
def report_safety(context: Context, *, work_unit_id: int) -> Standing:
    """Somebody is hurt, or in danger."""
    return _call(context, work_unit_id, SAFETY)


def is_call_from(exception: FloorException, work_unit_id: int) -> bool:
    return exception.cause_kind in CALLS and exception.cause_key == str(work_unit_id)


@command("andon.ring_again")
def ring_again(context: Context, *, work_unit_id: int) -> Ring:
    """Who has called from the station asks again: all on the level that is reached are told again at once.

    Raises CommandRefused: no_call, too_soon.
    """
    context.allow_anyone()
    calls = FloorException.objects.not_done().filter(
        work_unit=work_unit_id, cause_kind__in=CALLS, cause_key=str(work_unit_id), parent=None
    )
    # The most severe one: whoever is there sees what else is open.
    first = calls.order_by("severity", "pk").values_list("pk", flat=True).first()
    if first is None:
        context.refuse("no_call", _("Nobody has called from here. Press “Call for help”."))
    exception = locked(context, first)
    _not_too_soon(context, exception)
    office = Office.at(context.now)
    people, channel = all_on_level(exception, office)
    whom = [(exception, person_id) for person_id in people]
    tell(context, whom, Occasion.RING, level=exception.level, channel=channel, desk=office.desk)
    context.record(
        RungAgain(
            subject_id=exception.pk,
            **exception.story,
            level=exception.level,
            person_ids=people,
            owner_id=exception.owner_id,
        )
    )
    context.touch(*exception.topics)
    return Ring(exception_id=exception.pk, person_ids=people, at=context.now)


def _not_too_soon(context: Context, exception: FloorException) -> None:
    """Since the call, or since it was rung for again."""
    last = exception.notifications.filter(occasion=Occasion.RING).aggregate(at=Max("created_at"))["at"]
    wait = max(last or exception.raised_at, exception.raised_at) + RING_AGAIN_AFTER - context.now
    if wait > timedelta(0):
        seconds = math.ceil(wait.total_seconds())
        context.refuse(
            "too_soon",
            _("They were called a moment ago. You can ring again in %(seconds)s s.") % {"seconds": seconds},
        )


def _call(context: Context, work_unit_id: int, kind: str) -> Standing:
    context.allow_anyone()
    unit = WorkUnit.objects.filter(pk=work_unit_id).first()
    if unit is None:
        context.refuse("not_found", _("This station does not exist any more. Reload the screen."))
    exception_id = raise_exception(
        context,
        Cause(
            type=kind,
            kind=kind,
            key=str(unit.pk),
            site_id=unit.site_id,
            work_center_id=unit.work_center_id,
            work_unit_id=unit.pk,
            facts={"unit": unit.code, "name": unit.name},
        ),
    )
    return standing(FloorException.objects.get(pk=exception_id))


def _help_sentence(exception: FloorException) -> str:
    return _("Somebody at %(unit)s %(name)s needs help.") % dict(exception.facts)


def _safety_sentence(exception: FloorException) -> str:
    return _("Danger or injury at %(unit)s %(name)s. Go there now.") % dict(exception.facts)


def _help_headline(exception: FloorException) -> str:
    return _("%(unit)s calls for help") % dict(exception.facts)


def _safety_headline(exception: FloorException) -> str:
    return _("%(unit)s: safety") % dict(exception.facts)


HELP_CAUSE = declare(
    CauseKind(code=HELP, label=gettext_lazy("call for help"), headline=_help_headline, sentence=_help_sentence)
)
SAFETY_CAUSE = declare(
    CauseKind(code=SAFETY, label=gettext_lazy("safety"), headline=_safety_headline, sentence=_safety_sentence)
)
