"""A page of what an ERP has changed, taken in one transaction with the cursor behind it; also what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models.functions import Now

from apps.core.commands import Context, command
from apps.erp_sync.actions import CONNECT
from apps.erp_sync.api.resources import ALL
from apps.erp_sync.connectors.interface import Kind
from apps.erp_sync.events import ErpRead
from apps.erp_sync.models import ErpEmployee, ErpLink, Reading, Unread
from apps.erp_sync.policy import policy_of
from apps.materials import commands as materials
from apps.materials.commands.erp_rows import MOST_ROWS, Outcome


@dataclass(frozen=True, kw_only=True)
class EmployeeRow:
    erp_key: str
    name: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A record that can't be told as a row of ours."""

    erp_key: str
    field: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """By outcome; what was unchanged or stale is not counted."""

    created: int = 0
    updated: int = 0
    rejected: int = 0


RESOURCES = {resource.name: resource for resource in ALL}
# What of it the API takes by the same command.
RESOURCE_OF = {
    Kind.UNIT: RESOURCES["units"],
    Kind.ITEM: RESOURCES["items"],
    Kind.LOT: RESOURCES["lots"],
    Kind.BOM: RESOURCES["boms"],
    Kind.LOCATION: RESOURCES["locations"],
    Kind.WORK_CENTER: RESOURCES["work-centers"],
    Kind.ROUTING: RESOURCES["routings"],
    Kind.ORDER: RESOURCES["work-orders"],
}


@command("erp_sync.take_page")
def take_page(
    context: Context,
    *,
    link_id: int,
    kind: Kind,
    cursor_before: str,
    cursor: str,
    looked_at: list[str],
    rows: list[Any],
    failures: list[Failure],
    again: list[str],
    as_of: datetime,
) -> Counts | None:
    """Takes what it can; the rest is kept as unread, with the reason. None: another reader was quicker.

    looked_at  keys of all records that were read or asked for, gone ones too
    again  keys to be read again next time     as_of  of stock: what the ERP had posted until then is in it
    """
    link = ErpLink.objects.select_related("site").get(pk=link_id)
    context.allow(CONNECT, at=link.scope)
    Reading.objects.get_or_create(link=link, kind=kind.value)
    reading = Reading.objects.select_for_update(of=("self",)).get(link=link, kind=kind.value)
    if reading.cursor != cursor_before:
        return None
    counts, problems = _taken(context, link, kind, rows, as_of)
    problems |= {failure.erp_key: failure for failure in failures}
    news = _keep_unread(link, kind, {*looked_at, *problems}, list(problems.values()))
    changed = bool(counts.created or counts.updated)
    Reading.objects.filter(pk=reading.pk).update(
        cursor=cursor, again=again, read_at=Now(), problem="", **({"changed_at": Now()} if changed else {})
    )
    if changed or news:
        context.record(
            ErpRead(
                subject_id=link.pk,
                site_id=link.site_id,
                record=kind.value,
                created=counts.created,
                updated=counts.updated,
                rejected=len(problems),
            )
        )
    return counts


def key_of_row(row: Any) -> str:
    """The record's own key: a row of stock is one of several of its item, a routing one of several of its own."""
    key = row.item if isinstance(row, materials.SnapshotRow) else row.erp_key
    return str(key).partition("/")[0]


def _taken(
    context: Context, link: ErpLink, kind: Kind, rows: list[Any], as_of: datetime
) -> tuple[Counts, dict[str, Failure]]:
    if kind is Kind.EMPLOYEE:
        return _take_employees(link, rows), {}
    problems: dict[str, Failure] = {}
    outcomes: list[Outcome] = []
    for batch in _batches(rows):
        for row, report in zip(batch, _run(context, link, kind, batch, as_of), strict=True):
            outcomes.append(report.outcome)
            if report.outcome == Outcome.REJECTED:
                key = key_of_row(row)
                problems[key] = Failure(erp_key=key, field=report.field, sentence=report.sentence)
    counted = {outcome: outcomes.count(outcome) for outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.REJECTED)}
    return Counts(**{outcome.value: count for outcome, count in counted.items()}), problems


def _run(context: Context, link: ErpLink, kind: Kind, batch: list[Any], as_of: datetime) -> Sequence[Any]:
    if kind is Kind.STOCK:
        taken = materials.set_stock_snapshot.within(
            context, site_id=link.site_id, as_of=as_of, rows=batch, complete=True
        )
        return taken.rows
    resource = RESOURCE_OF[kind]
    inputs: dict[str, Any] = {"site_id": link.site_id} if resource.per_site else {}
    if resource.adopts and policy_of(link).adopt:
        inputs["adopt"] = True
    report: Any = resource.command.within(context, rows=batch, **inputs)
    rows: Sequence[Any] = report.rows
    return rows


def _batches(rows: list[Any]) -> Iterator[list[Any]]:
    """As many as a command takes; rows of one record stay together."""
    batch: list[Any] = []
    for _key, group in groupby(rows, key=key_of_row):
        together = list(group)
        if batch and len(batch) + len(together) > MOST_ROWS:
            yield batch
            batch = []
        batch += together
    if batch:
        yield batch


def _take_employees(link: ErpLink, rows: list[EmployeeRow]) -> Counts:
    created = updated = 0
    known = {row.erp_key: row for row in ErpEmployee.objects.select_for_update().filter(link=link)}
    for row in rows:
        employee = known.get(row.erp_key)
        if employee is None:
            ErpEmployee.objects.create(link=link, erp_key=row.erp_key, name=row.name, active=row.active)
            created += 1
        elif (employee.name, employee.active) != (row.name, row.active):
            ErpEmployee.objects.filter(pk=employee.pk).update(name=row.name, active=row.active)
            updated += 1
    return Counts(created=created, updated=updated)


def _keep_unread(link: ErpLink, kind: Kind, keys: set[str], problems: list[Failure]) -> bool:
    """Whether something could be taken that could not before, or the other way round."""
    known = Unread.objects.filter(link=link, kind=kind.value, erp_key__in=keys)
    before = set(known.values_list("erp_key", "sentence"))
    known.exclude(erp_key__in=[problem.erp_key for problem in problems]).delete()
    Unread.objects.bulk_create(
        [
            Unread(
                link=link,
                kind=kind.value,
                erp_key=problem.erp_key,
                field=problem.field,
                sentence=problem.sentence,
                tried_at=Now(),
            )
            for problem in problems
        ],
        update_conflicts=True,
        unique_fields=["link", "kind", "erp_key"],
        update_fields=["field", "sentence", "tried_at"],
    )
    return before != {(problem.erp_key, problem.sentence) for problem in problems}
