"""The duty roster as a file: what a spreadsheet saves as CSV. Pure, but for the sentences.

role;person;place;starts;ends;phone
maintenance_technician;milo;;2026-11-23 22:00;2026-11-24 06:00;+49 30 555 0101

Columns by name, in any order, parted by comma or semicolon. `person` is a user name or a badge, `place` the code of a
work center or an area (empty: the whole site), times are those of a clock on the site's wall; `phone` may be missing.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from apps.plant.calendar_times import instant_of

REQUIRED = ("role", "person", "place", "starts", "ends")
_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M")


class LineError(Exception):
    """A sentence that says what is wrong with a line and what to do."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """`number` as an editor counts, the heading being 1; the rest as it is written there."""

    number: int
    role: str
    person: str
    place: str
    starts: str
    ends: str
    phone: str


def read(text: str) -> list[Line]:
    """Raises LineError where there is no heading that names the columns, or nothing below it."""
    content = text.lstrip("\ufeff")
    heading = content.strip().split("\n", 1)[0]
    reader = csv.DictReader(content.splitlines(), delimiter=";" if ";" in heading else ",")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if missing := [name for name in REQUIRED if name not in names]:
        raise LineError(_("The first line names the columns; missing: %(names)s.") % {"names": ", ".join(missing)})
    reader.fieldnames = names
    lines = []
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in (*REQUIRED, "phone")}
        if any(cells.values()):
            lines.append(Line(number=reader.line_num, **cells))
    if not lines:
        raise LineError(_("There is no line below the heading. Add one per duty."))
    return lines


def times_of(line: Line, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end in UTC; an hour that occurs twice is the first, one that never occurs is the moment of the change.

    Raises LineError.
    """
    starts, ends = _local(line.starts), _local(line.ends)
    if ends <= starts:
        raise LineError(_("it ends before it starts. A duty over midnight ends on the next day."))
    return instant_of(starts, zone), instant_of(ends, zone)


def _local(text: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a time on the wall, the zone is the site's
        except ValueError:
            continue
    raise LineError(_("%(text)s is no time. Write it like 2026-11-23 22:00.") % {"text": text or '""'})
