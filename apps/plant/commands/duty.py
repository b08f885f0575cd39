"""The duty roster: who has which duty where and when; typed, imported, handed on, ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context, FreeText, command
from apps.plant.access import nearest_places
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.commands.roles import locate
from apps.plant.commands.rows import locked, save
from apps.plant.duty import who_is_away
from apps.plant.events import DutyEntryEnded, DutyRostered, DutySwapped
from apps.plant.models.duty import DutyRosterEntry
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter
from apps.plant.models.roles import Role
from apps.plant.presence import TOPIC
from apps.plant.roster_file import Line, LineError, read, times_of

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
    entry = _entry(locate(context, place), starts_at, ends_at, phone)
    context.allow(MANAGE_ROSTER, at=entry.scope)
    entry.role, entry.person = _role(context, role), _person(context, person_id)
    if reason := why_not(entry, context.now):
        context.refuse("not_eligible", reason)
    return _add(context, entry)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How many entries were added, got another telephone number, and stood there as they are."""

    added: int
    changed: int
    unchanged: int


@command("plant.import_roster")
def import_roster(context: Context, *, site_id: int, csv: FreeText) -> Imported:
    """Takes all lines of a file (apps.plant.roster_file), or none; what is there already is left as it is.

    Refused: not_valid with a sentence for each line that can't be taken, not_found; and for who may not.
    """
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        context.refuse("not_found", _("There is no such place."))
    try:
        lines = read(csv)
    except LineError as error:
        context.allow(MANAGE_ROSTER, at=site.scope)
        context.refuse("not_valid", str(error))
    done, errors = {"added": 0, "changed": 0, "unchanged": 0}, []
    for line in lines:
        try:
            entry = _entry_of(line, site)
            context.allow(MANAGE_ROSTER, at=entry.scope)
            done[_take(context, entry)] += 1
        except LineError as error:
            errors.append(_("Line %(number)s: %(reason)s") % {"number": line.number, "reason": error})
    if errors:
        context.allow(MANAGE_ROSTER, at=site.scope)
        context.refuse(
            "not_valid", "\n".join([*errors, _("Nothing was imported. Correct the lines, then send again.")])
        )
    return Imported(**done)


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
    swapped = _entry(entry.located, context.now, entry.ends_at, entry.phone) if begun else entry
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


def _take(context: Context, entry: DutyRosterEntry) -> str:
    """What became of it.  Raises LineError with the reason why it can't be."""
    same = DutyRosterEntry.objects.select_for_update().filter(
        Q(role=entry.role, person=entry.person, site=entry.site, area=entry.area, work_center=entry.work_center),
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
    )
    if known := same.first():
        if known.phone == entry.phone:
            return "unchanged"
        known.phone = entry.phone
        save(context, known)
        return "changed"
    if reason := why_not(entry, context.now):
        raise LineError(reason)
    try:
        entry.full_clean()
    except ValidationError as error:
        raise LineError(" ".join(error.messages)) from error
    _add(context, entry)
    return "added"


def _entry_of(line: Line, site: Site) -> DutyRosterEntry:
    """Raises LineError where the plant has not what the line names."""
    starts_at, ends_at = times_of(line, site.zone)
    entry = _entry(_located(line.place, site), starts_at, ends_at, line.phone)
    role = Role.objects.filter(code=line.role).first()
    if role is None:
        known = ", ".join(Role.objects.values_list("code", flat=True))
        raise LineError(_("there is no role %(code)s. Write one of: %(known)s.") % {"code": line.role, "known": known})
    people = Person.objects.get_queryset().filter(Q(username=line.person) | Q(badge=line.person))
    if len(people) != 1:
        raise LineError(_("nobody has the user name or badge %(text)s. Correct it.") % {"text": line.person})
    entry.role, entry.person = role, people[0]
    return entry


def _located(code: str, site: Site) -> Site | Area | WorkCenter:
    if code in ("", site.code):
        return site
    located = (
        WorkCenter.objects.filter(site=site, code=code).first() or Area.objects.filter(site=site, code=code).first()
    )
    if located is None:
        raise LineError(
            _("%(site)s has no work center or area %(code)s. Write its code, or nothing for the whole site.")
            % {"site": site.code, "code": code}
        )
    return located


def _entry(located: Site | Area | WorkCenter, starts_at: datetime, ends_at: datetime, phone: str) -> DutyRosterEntry:
    return DutyRosterEntry(
        site_id=located.site_id,
        area=located if isinstance(located, Area) else None,
        work_center=located if isinstance(located, WorkCenter) else None,
        starts_at=starts_at,
        ends_at=ends_at,
        phone=phone.strip(),
    )


def _add(context: Context, entry: DutyRosterEntry) -> int:
    if entry.ends_at <= entry.starts_at:
        context.refuse("not_valid", _("The end has to be after the start."))
    save(context, entry)
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
