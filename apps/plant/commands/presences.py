"""At work, and gone: said by the person, written for labor, or ended by rule."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.plant import presence
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.commands.absences import come_back, of_whom
from apps.plant.end_rule import ends_at
from apps.plant.models.duty import EndedBy, Presence
from apps.plant.models.places import Site, WorkCenter, anywhere_in
from apps.plant.shifts_calendar import calendar_of, calendar_of_site


@command("plant.go_on_duty")
def go_on_duty(context: Context, *, site_id: int | None = None) -> None:
    """The signed-in person is at work, at the home site if no other is given, until saying so or until the end rule.

    Refused: nobody, no_site, not_found; and for who may not.
    """
    person = of_whom(context, None)
    where = site_id or person.site_id
    site = Site.objects.filter(pk=where).first() if where else None
    if site is None:
        context.refuse("no_site", _("Say at which site you are: you have no home site."))
    context.allow(OWN_DUTY, at=anywhere_in(site))
    come_back(context, person.pk)
    if presence.begin(context, person_id=person.pk, site_id=site.pk, by_hand=True) is None:
        known = presence.locked_open(person.pk)
        if known and not known.by_hand:
            known.by_hand = True
            known.save(update_fields=["by_hand"])


@command("plant.go_off_duty")
def go_off_duty(context: Context) -> None:
    """The signed-in person leaves, and is clocked off from all work.  Refused: nobody, not_on_duty."""
    person = of_whom(context, None)
    if not presence.leave(context, person.pk):
        context.refuse("not_on_duty", _("You are not on duty."))


@command("plant.begin_presence")
def begin_presence(context: Context, *, person_id: int, work_center_id: int) -> None:
    """The person has begun to work at a work center; nothing where at work already, wherever that began.

    For labor. Whoever is at work is no longer away.
    """
    line = WorkCenter.objects.filter(pk=work_center_id).first()
    if line is None:
        context.refuse("not_found", _("There is no such place."))
    context.allow(MANAGE_ROSTER, at=line.scope)
    begun = presence.begin(context, person_id=person_id, site_id=line.site_id, work_center_id=line.pk)
    if begun is not None:
        come_back(context, person_id)


@command("plant.end_presence")
def end_presence(context: Context, *, person_id: int, by_rule: bool = False) -> None:
    """The person works on nothing more: not at work, unless said to be by the person. For labor."""
    context.allow(MANAGE_ROSTER, at=EVERYWHERE)
    known = presence.locked_open(person_id)
    if known and not known.by_hand:
        ended_at, ended_by = (
            (known.last_evidence_at, EndedBy.RULE) if by_rule else (context.occurred_at, EndedBy.PERSON)
        )
        presence.end(context, known, ended_at, ended_by)


@command("plant.end_presence_by_rule")
def end_presence_by_rule(context: Context, *, presence_id: int) -> bool:
    """Ends the presence of somebody who is gone (apps.plant.end_rule); for the worker.

    False: it goes on after all, it is ended already, or somebody is at it right now.
    """
    context.allow(MANAGE_ROSTER, at=EVERYWHERE)
    rows = Presence.objects.open().select_for_update(of=("self",), skip_locked=True).select_related("work_center")
    known = rows.filter(pk=presence_id).first()
    if known is None:
        return False
    calendar = calendar_of(known.work_center) if known.work_center else calendar_of_site(known.site_id)
    end = ends_at(calendar, started_at=known.started_at, last_evidence_at=known.last_evidence_at, now=context.now)
    if end is None:
        return False
    presence.end(context, known, end, EndedBy.RULE)
    return True
