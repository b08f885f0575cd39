"""Away, and back."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.plant.access import nearest_places
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.commands.rows import locked, save
from apps.plant.duty import is_away
from apps.plant.events import AbsenceEnded, AbsenceReported
from apps.plant.models.duty import Absence, DutyRosterEntry, scope_of
from apps.plant.models.people import Person
from apps.plant.presence import TOPIC, leave


@command("plant.report_absent")
def report_absent(
    context: Context,
    *,
    person_id: int | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    deputy_id: int | None = None,
) -> int:
    """The id of the absence, of oneself or (with the right to the roster) of another; from now on without a start,
    until further notice without an end. Who is away from now on is no longer at work.

    Refused: nobody, not_found, not_valid (times, away already), and for a deputy who can't stand in: not_eligible.
    """
    person = of_whom(context, person_id)
    begins = starts_at or context.now
    if ends_at is not None and ends_at <= max(begins, context.now):
        context.refuse("not_valid", _("The end has to lie ahead, and after the start."))
    absence = Absence(person=person, starts_at=begins, ends_at=ends_at)
    if deputy_id is not None:
        absence.deputy = Person.objects.get_queryset().filter(pk=deputy_id).first()
        if absence.deputy is None:
            context.refuse("not_found", _("This person does not exist any more. Reload the page."))
        _check_deputy(context, absence, absence.deputy)
    save(context, absence)
    if begins <= context.now:
        leave(context, person.pk)
    context.record(
        AbsenceReported(
            subject_id=absence.pk,
            site_id=person.site_id,
            person_id=person.pk,
            deputy_id=deputy_id,
            starts_at=begins,
            ends_at=ends_at,
        )
    )
    context.touch(TOPIC)
    return absence.pk


@command("plant.end_absence")
def end_absence(context: Context, *, absence_id: int) -> None:
    """Back now; one that has not begun never will; one that is over stays.  Refused: not_found."""
    absence = locked(context, Absence.objects.select_related("person"), absence_id)
    of_whom(context, absence.person_id)
    if absence.ends_at is not None and absence.ends_at <= max(context.now, absence.starts_at):
        return
    _end(context, absence)


def come_back(context: Context, person_id: int) -> None:
    """Who is at work is not away: an absence that runs ends."""
    running = Absence.objects.filter(person=person_id, starts_at__lte=context.now)
    for absence in running.exclude(ends_at__lte=context.now).select_for_update(of=("self",)).select_related("person"):
        _end(context, absence)


def of_whom(context: Context, person_id: int | None) -> Person:
    """The signed-in person, or another one, after the right was asked for.  Refused: nobody, not_found."""
    own = person_id is None or person_id == context.actor.person_id
    who = context.actor.person_id if person_id is None else person_id
    if who is None:
        context.refuse("nobody", _("Sign in: a duty belongs to a person."))
    person = Person.objects.select_related("site").filter(pk=who, is_active=True).first()
    if person is None:
        context.refuse("not_found", _("There is no such person at work here. Reload the page."))
    context.allow(OWN_DUTY if own else MANAGE_ROSTER, at=scope_of(person))
    return person


def _end(context: Context, absence: Absence) -> None:
    absence.ends_at = max(context.now, absence.starts_at)
    save(context, absence)
    person = absence.person
    context.record(
        AbsenceEnded(subject_id=absence.pk, site_id=person.site_id, person_id=person.pk, ended_at=absence.ends_at)
    )
    context.touch(TOPIC)


def _check_deputy(context: Context, absence: Absence, deputy: Person) -> None:
    """Somebody who could do nothing in the other's place is no deputy."""
    if not deputy.is_active:
        context.refuse("not_eligible", _("%(name)s is deactivated. Choose another deputy.") % {"name": deputy})
    if is_away(deputy.pk, max(absence.starts_at, context.now)):
        context.refuse("not_eligible", _("%(name)s is away then. Choose another deputy.") % {"name": deputy})
    duties = DutyRosterEntry.objects.filter(person=absence.person, ends_at__gt=absence.starts_at)
    if absence.ends_at is not None:
        duties = duties.filter(starts_at__lt=absence.ends_at)
    for duty in duties.select_related("role", "site", "area", "work_center"):
        if deputy.pk not in nearest_places([duty.role.code], duty.scope, max(duty.starts_at, context.now)):
            context.refuse(
                "not_eligible",
                _("%(name)s does not hold the role %(role)s, for which you are on the roster. Choose another deputy.")
                % {"name": deputy, "role": duty.role},
            )
