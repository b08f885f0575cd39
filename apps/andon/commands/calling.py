"""Calls that work for everybody, at every moment, on a locked terminal too: recorded as the terminal, unidentified."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.commands.rows import Standing, standing
from apps.andon.models import FloorException
from apps.andon.raising import raise_exception
from apps.core.commands import Context, command
from apps.plant.models import WorkUnit

HELP, SAFETY = "help", "safety"


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
