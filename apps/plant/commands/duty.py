"""The duty roster: who has which duty where and when; typed, handed on, ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context, FreeText, command
from apps.plant.access import nearest_places
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.commands.roles import locate
from apps.plant.commands.rows import check, locked, save, sign
from apps.plant.duty import who_is_away
from apps.plant.events import DutyEntryEnded, DutyRostered, DutySwapped
from apps.plant.models.duty import DutyRosterEntry
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter
from apps.plant.models.roles import Role
from apps.plant.presence import TOPIC

ENTRIES = DutyRosterEntry.objects.select_related("role", "site", "area", "work_center")


@command("plant.roster_duty")
def roster_duty(
    context: Context,
    *,
    role: str,
    person_id: int,
    place: str,
    starts_at: datetime,
    ends_at: datetime,
    phone: FreeText = "",
) -> int:
    """The id of the entry. `role` is a code, `place` "site:1", "area:2" or "line:7".

    Refused: not_found, not_eligible, not_valid (times, or the person has the duty then already).
    """
    entry = entry_at(locate(context, place), starts_at, ends_at, phone)
    context.allow(MANAGE_ROSTER, at=entry.scope)
    entry.role, entry.person = _role(context, role), _person(context, person_id)
    if reason := why_not(entry, context.now):
        context.refuse("not_eligible", reason)
    if ends_at <= starts_at:
        context.refuse("not_valid", _("The end has to be after the start."))
    check(context, entry)
    return write(context, entry)


@command("plant.swap_duty")
def swap_duty(context: Context, *, entry_id: int, from_person_id: int, to_person_id: int) -> int:
    """Another person has the duty from now on; the id of that person's entry.

    By the one who has it, by the one who takes it, or by who manages the roster. `from_person_id` is who has it as far
    as the one who acts has seen. What is over stays with who had it.

    Refused: not_found, taken, over, not_eligible, not_valid.
    """
    entry = locked(context, ENTRIES, entry_id)
    involved = context.actor.person_id in (from_person_id, to_person_id)
    managing = rights.may(context.actor, MANAGE_ROSTER, entry.scope)
    context.allow(OWN_DUTY if involved and not managing else MANAGE_ROSTER, at=entry.scope)
    if entry.person_id != from_person_id:
        context.refuse("taken", _("Somebody else has this duty meanwhile. Look again."))
    if entry.ends_at <= max(context.now, entry.starts_at):
        context.refuse("over", _("This duty is over. Choose one that is to come."))
    begun = entry.starts_at < context.now
    swapped = entry_at(entry.located, context.now, entry.ends_at, entry.phone) if begun else entry
    swapped.role, swapped.person = entry.role, _person(context, to_person_id)
    if reason := why_not(swapped, context.now):
        context.refuse("not_eligible", reason)
    if begun:
        entry.ends_at = context.now
        save(context, entry)
    save(context, swapped)
    context.record(
        DutySwapped(
            subject_id=swapped.pk,
            site_id=swapped.site_id,
            old_person_id=from_person_id,
            new_person_id=to_person_id,
            role=swapped.role.code,
            place=swapped.place,
            starts_at=swapped.starts_at,
            ends_at=swapped.ends_at,
        )
    )
    context.touch(TOPIC)
    return swapped.pk


@command("plant.end_duty_entry")
def end_duty_entry(context: Context, *, entry_id: int) -> None:
    """Ends now; one that has not begun never will; one that is over stays.  Refused: not_found."""
    entry = locked(context, ENTRIES, entry_id)
    context.allow(MANAGE_ROSTER, at=entry.scope)
    if entry.ends_at <= max(context.now, entry.starts_at):
        return
    entry.ends_at = max(context.now, entry.starts_at)
    save(context, entry)
    context.record(DutyEntryEnded(subject_id=entry.pk, **_facts(entry)))
    context.touch(TOPIC)


def why_not(entry: DutyRosterEntry, now: datetime) -> str:
    """Why the person can't have this duty, and what to do; "" if the person can."""
    person, role = entry.person, entry.role
    if not person.is_active:
        return _("%(name)s is deactivated. Choose somebody else.") % {"name": person}
    if person.pk not in nearest_places([role.code], entry.scope, max(now, entry.starts_at)):
        return _("%(name)s does not hold the role %(role)s there. Choose somebody else, or assign the role first.") % {
            "name": person,
            "role": role,
        }
    if person.pk in who_is_away(entry.starts_at, entry.ends_at):
        return _("%(name)s is away in that time. Choose somebody else, or end the absence first.") % {"name": person}
    return ""


def entry_at(located: Site | Area | WorkCenter, starts_at: datetime, ends_at: datetime, phone: str) -> DutyRosterEntry:
    return DutyRosterEntry(
        site_id=located.site_id,
        area=located if isinstance(located, Area) else None,
        work_center=located if isinstance(located, WorkCenter) else None,
        starts_at=starts_at,
        ends_at=ends_at,
        phone=phone.strip(),
    )


def write(context: Context, entry: DutyRosterEntry) -> int:
    """The id of an entry that has been checked by the caller."""
    sign(context, entry)
    entry.save()
    context.record(DutyRostered(subject_id=entry.pk, **_facts(entry)))
    context.touch(TOPIC)
    return entry.pk


def _facts(entry: DutyRosterEntry) -> dict[str, Any]:
    return {
        "site_id": entry.site_id,
        "person_id": entry.person_id,
        "role": entry.role.code,
        "place": entry.place,
        "starts_at": entry.starts_at,
        "ends_at": entry.ends_at,
    }


def _role(context: Context, code: str) -> Role:
    role = Role.objects.filter(code=code).first()
    if role is None:
        context.refuse("not_found", _("There is no role %(code)s.") % {"code": code})
    return role


def _person(context: Context, person_id: int) -> Person:
    person = Person.objects.get_queryset().filter(pk=person_id).first()
    if person is None:
        context.refuse("not_found", _("This person does not exist any more. Reload the page."))
    return person
