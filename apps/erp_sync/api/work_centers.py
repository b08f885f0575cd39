"""Lines and stations by their keys in the ERP: which of ours each is, or a new one; nothing else is the ERP's."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.erp_sync.api.events import WorkCentersTaken
from apps.materials.commands.erp_rows import Outcome, Rejected, Report
from apps.materials.commands.rows import alone_with, found
from apps.materials.commands.upsert import check_size
from apps.orders.commands.row_by_row import Taken, take_each
from apps.plant.actions import MANAGE_PLANT
from apps.plant.models import Area, Person, Site, WorkCenter, WorkUnit

# Where a line comes to lie that the ERP sends without an area, at a site that has none.
DEFAULT_AREA = "ERP"


@dataclass(frozen=True, kw_only=True)
class WorkUnitRow:
    erp_key: str
    code: str
    name: str
    position: int = 0


@dataclass(frozen=True, kw_only=True)
class WorkCenterRow:
    """`code` and `area` count when it is made, or found by its code at first; `units` not named are left alone."""

    erp_key: str
    code: str
    name: str
    area: str = ""
    units: tuple[WorkUnitRow, ...] = ()


@command("erp_sync.upsert_work_centers")
def upsert_work_centers(
    context: Context, *, site_id: int, rows: list[WorkCenterRow], all_or_none: bool = False, dry_run: bool = False
) -> Report:
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_PLANT, at=site.scope)
    check_size(context, rows)
    alone_with("work_centers", site.pk)
    report = take_each(rows, lambda row: _take(context, site, row), all_or_none=all_or_none, dry_run=dry_run)
    written = {row.row_id: row.outcome for row in report.rows if report.written and row.row_id}
    created = [pk for pk, outcome in written.items() if outcome == Outcome.CREATED]
    updated = [pk for pk, outcome in written.items() if outcome == Outcome.UPDATED]
    if created or updated:
        context.record(WorkCentersTaken(subject_id=site.pk, site_id=site.pk, created=created, updated=updated))
        context.touch(*[f"line:{pk}" for pk in updated])
    return report


def _take(context: Context, site: Site, row: WorkCenterRow) -> Taken:
    lines = WorkCenter.objects.select_for_update(of=("self",)).select_related("area").filter(site=site)
    line = lines.filter(erp_key=row.erp_key).first() or lines.filter(code=row.code, erp_key="").first()
    outcome = Outcome.UNCHANGED
    if line is None:
        line = WorkCenter(area=_area(context, site, row.area), site=site, code=row.code)
        outcome = Outcome.CREATED
    if _settle(context, line, row.erp_key, row.name) and outcome == Outcome.UNCHANGED:
        outcome = Outcome.UPDATED
    for unit_row in row.units:
        if _take_unit(context, line, unit_row) and outcome == Outcome.UNCHANGED:
            outcome = Outcome.UPDATED
    return outcome, line.pk


def _area(context: Context, site: Site, code: str) -> Area:
    areas = Area.objects.filter(site=site)
    area = areas.filter(code=code).first() if code else areas.order_by("pk").first()
    if area is None and code:
        raise Rejected("area", _("There is no area %(code)s here.") % {"code": code})
    if area is None:
        area = Area(site=site, code=DEFAULT_AREA, name=DEFAULT_AREA)
        _save(context, area, "area")
    return area


def _take_unit(context: Context, line: WorkCenter, row: WorkUnitRow) -> bool:
    units = WorkUnit.objects.select_for_update(of=("self",)).filter(site_id=line.site_id)
    unit = units.filter(erp_key=row.erp_key).first() or units.filter(code=row.code, erp_key="").first()
    if unit is None:
        unit = WorkUnit(work_center=line, site_id=line.site_id, code=row.code, position=row.position)
    elif unit.work_center_id != line.pk:
        raise Rejected("units", _("Station %(code)s is at another line.") % {"code": unit.code})
    return _settle(context, unit, row.erp_key, row.name, into="units")


def _settle(context: Context, row: WorkCenter | WorkUnit, key: str, name: str, into: str = "") -> bool:
    """Whether its key or name is another now, or it is new."""
    if row.pk and (row.erp_key, row.name) == (key, name):
        return False
    row.erp_key, row.name = key, name
    _save(context, row, into)
    return True


def _save(context: Context, row: Area | WorkCenter | WorkUnit, into: str) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Rejected(into or ("code" if name == "__all__" else name), " ".join(messages)) from error
    row._history_user = Person(pk=context.actor.person_id)  # type: ignore[union-attr]
    row.save()
