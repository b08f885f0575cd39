"""The duty roster from a file: every line, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.plant.actions import MANAGE_ROSTER
from apps.plant.commands.duty import entry_at, why_not, write
from apps.plant.commands.rows import sign
from apps.plant.models.duty import DutyRosterEntry
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter, anywhere_in
from apps.plant.models.roles import Role
from apps.plant.presence import TOPIC
from apps.plant.roster_file import Line, LineError, read, times_of


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
    context.allow(MANAGE_ROSTER, at=anywhere_in(site))
    try:
        lines = read(csv)
    except LineError as error:
        context.refuse("not_valid", str(error))
    known, done, errors = _Known(site, lines), {"added": 0, "changed": 0, "unchanged": 0}, []
    for line in lines:
        try:
            entry = known.entry_of(line)
            context.allow(MANAGE_ROSTER, at=entry.scope)
            done[_take(context, entry)] += 1
        except LineError as error:
            errors.append(_("Line %(number)s: %(reason)s") % {"number": line.number, "reason": error})
    if errors:
        errors.append(_("Nothing was imported. Correct the lines, then send again."))
        context.refuse("not_valid", "\n".join(errors))
    return Imported(**done)


def _take(context: Context, entry: DutyRosterEntry) -> str:
    """What became of it.  Raises LineError with the reason why it can't be."""
    same = DutyRosterEntry.objects.select_for_update(of=("self",)).filter(
        role=entry.role,
        person=entry.person,
        site=entry.site,
        area=entry.area,
        work_center=entry.work_center,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
    )
    there = same.first()
    if there and there.phone == entry.phone:
        return "unchanged"
    try:
        # What it points at has just been read.
        entry.clean_fields(exclude={"role", "person", "site", "area", "work_center"})
        if there:
            there.phone = entry.phone
            sign(context, there)
            there.save(update_fields=["phone"])
            context.touch(TOPIC)
            return "changed"
        entry.validate_constraints()
    except ValidationError as error:
        raise LineError(" ".join(error.messages)) from error
    if reason := why_not(entry, context.now):
        raise LineError(reason)
    write(context, entry)
    return "added"


class _Known:
    """What the lines name, read at once."""

    def __init__(self, site: Site, lines: Sequence[Line]) -> None:
        self.site = site
        self.roles = {role.code: role for role in Role.objects.all()}
        self.places: dict[str, Site | Area | WorkCenter] = {"": site}
        self.places |= {area.code: area for area in Area.objects.filter(site=site).select_related("site")}
        self.places |= {line.code: line for line in WorkCenter.objects.filter(site=site).select_related("site")}
        self.places[site.code] = site
        self.people: defaultdict[str, set[Person]] = defaultdict(set)
        named = {line.person for line in lines}
        for person in Person.objects.get_queryset().filter(Q(username__in=named) | Q(badge__in=named)):
            self.people[person.username].add(person)
            self.people[person.badge or ""].add(person)

    def entry_of(self, line: Line) -> DutyRosterEntry:
        """Raises LineError where the plant has not what the line names."""
        starts_at, ends_at = times_of(line, self.site.zone)
        located = self.places.get(line.place)
        if located is None:
            raise LineError(
                _("%(site)s has no work center or area %(code)s. Write its code, or nothing for the whole site.")
                % {"site": self.site.code, "code": line.place}
            )
        role = self.roles.get(line.role)
        if role is None:
            raise LineError(
                _("there is no role %(code)s. Write one of: %(known)s.")
                % {"code": line.role, "known": ", ".join(self.roles)}
            )
        people = list(self.people.get(line.person, ())) if line.person else []
        if len(people) != 1:
            raise LineError(_("nobody has the user name or badge %(text)s. Correct it.") % {"text": line.person})
        entry = entry_at(located, starts_at, ends_at, line.phone)
        entry.role, entry.person = role, people[0]
        return entry
