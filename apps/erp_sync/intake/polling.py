"""An ERP that tells nobody of its changes is asked: kind by kind, so that what a record names is here before it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import Q
from django.db.models.functions import Now

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.erp_sync import payloads, registry, silence
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.connectors.interface import Connector, Kind
from apps.erp_sync.intake.rows import Rows, lines_of
from apps.erp_sync.intake.taking import Counts, EmployeeRow, Failure, take_page
from apps.erp_sync.models import ErpLink, Posting, PostingKind, PostingState, Reading, Unread
from apps.erp_sync.payloads import key_of
from apps.materials.commands import ExpectedRow, set_expected_receipts
from apps.materials.commands.erp_rows import Rejected
from apps.orders.commands import CommitDateRow, take_commit_dates
from apps.orders.models import JobMaterial, JobOrder, WorkOrder
from apps.orders.models.statuses import OVER

log = logging.getLogger(__name__)

ORDER_OF_READING = (
    Kind.UNIT,
    Kind.LOCATION,
    Kind.ITEM,
    Kind.LOT,
    Kind.BOM,
    Kind.WORK_CENTER,
    Kind.ROUTING,
    Kind.EMPLOYEE,
    Kind.STOCK,
    Kind.ORDER,
)
# What the ERP tells without saying when it changed: read as a whole, and not so often.
PROMISES, RECEIPTS = "commit dates", "expected receipts"
WHOLE_EVERY = timedelta(seconds=60)
# What could not be taken: its cause may be gone without its having changed.
RETRY_AFTER = timedelta(seconds=30)
# As many as one call of a command takes.
BATCH = 500

Failures = list[Failure]


def read_erp(link: ErpLink) -> dict[str, Counts]:
    """Whatever has changed since the last time; by kind, what came of it. Raises nothing an ERP or network can do."""
    found: dict[str, Counts] = {}
    kind, before = "", silence.last_heard(link)
    try:
        connector = registry.connector_for(link)
        for each in ORDER_OF_READING:
            kind = each.value
            counts = _read(link, connector, each)
            if counts is not None:
                found[kind] = counts
        for kind, read in ((PROMISES, _read_promises), (RECEIPTS, _read_receipts)):
            if _is_due(link, kind):
                read(link, connector)
                _note_reading(link, kind, "")
    except (erp.ErpUnreachableError, registry.NotConfigured) as error:
        _note_failure(link, kind or Kind.UNIT.value, str(error), answers=False)
    except erp.ErpReadRefusedError as error:
        _note_failure(link, kind, str(error), answers=True)
    except Exception as error:
        log.exception("%s can't be read", link)
        registry.forget(link)
        _note_failure(link, kind, f"{type(error).__name__}: {error}", answers=True)
    else:
        silence.heard(link, before)
    return found


def _note_failure(link: ErpLink, kind: str, problem: str, *, answers: bool) -> None:
    _note_reading(link, kind, problem)
    silence.not_heard(link, problem[:2000], answers=answers)


def _read(link: ErpLink, connector: Connector, kind: Kind) -> Counts | None:
    reading = Reading.objects.filter(link=link, kind=kind.value).first() or Reading(link=link, kind=kind.value)
    as_of = clock.of_database()
    page = connector.changes(kind, reading.cursor)
    records = {key_of(record.ref): record for record in page.upserts}
    retry = [key for key in _to_retry(link, kind, reading) if key not in records]
    if retry:
        again = connector.read(kind, [payloads.ref(link.system, key) for key in retry])
        records |= {key_of(record.ref): record for record in again}
    if not (records or retry) and page.cursor == reading.cursor and not reading.again:
        _note_reading(link, kind.value, "")
        return None
    busy = _in_flight(link, as_of) & set(records) if kind is Kind.STOCK else set()
    rows, failures = _rows(link, connector, kind, [record for key, record in records.items() if key not in busy])
    return take_page(
        _actor(link),
        uuid4(),
        link_id=link.pk,
        kind=kind,
        cursor_before=reading.cursor,
        cursor=page.cursor,
        looked_at=sorted({*records, *retry} - busy),
        rows=rows,
        failures=failures,
        again=sorted(busy),
        as_of=as_of,
    )


def _to_retry(link: ErpLink, kind: Kind, reading: Reading) -> list[str]:
    unread = Unread.objects.filter(link=link, kind=kind.value, tried_at__lt=Now() - RETRY_AFTER).order_by("tried_at")
    return list(dict.fromkeys([*reading.again, *unread.values_list("erp_key", flat=True)[:BATCH]]))


def _in_flight(link: ErpLink, as_of: datetime) -> set[str]:
    """Items of which a posting was under way while the ERP was read: who knows whether it is in the figure."""
    moving = Posting.objects.filter(link=link, kind__in=(PostingKind.START, PostingKind.MOVE)).filter(
        Q(state=PostingState.LEASED)
        | Q(state=PostingState.QUEUED, attempts__gt=0)
        | Q(state=PostingState.POSTED, posted_at__gte=as_of)
    )
    found: set[str] = set()
    for posting in moving.select_related("work_order__item", "movement__item"):
        content = payloads.load(posting)
        if isinstance(content, erp.MovePosting):
            item = posting.movement.item if posting.movement else posting.work_order.item
            found |= {key_of(content.item)} if content.item.id else {item.erp_key if item else ""}
        else:
            needs = JobMaterial.objects.filter(job_order__work_order=posting.work_order_id)
            found |= set(needs.values_list("item__erp_key", flat=True))
    return found


# ---- records as rows


def _rows(
    link: ErpLink, connector: Connector, kind: Kind, records: Sequence[erp.MasterRecord]
) -> tuple[list[Any], Failures]:
    if kind is Kind.WORK_CENTER:
        # A line is what its places make it, and they change one by one.
        every = connector.read_master(kind) if records else ()
        return list(lines_of(record for record in every if isinstance(record, erp.WorkCenterRecord))), []
    if kind is Kind.EMPLOYEE:
        people = [record for record in records if isinstance(record, erp.EmployeeRecord)]
        return [EmployeeRow(erp_key=key_of(one.ref), name=one.name, active=one.active) for one in people], []
    make = _maker(link, connector, kind, records)
    rows: list[Any] = []
    failures: Failures = []
    for record in records:
        try:
            rows += make(record)
        except Rejected as problem:
            failure = Failure(erp_key=key_of(record.ref), field=problem.field, sentence=problem.sentence)
            failures.append(failure)
    return rows, failures


def _maker(
    link: ErpLink, connector: Connector, kind: Kind, records: Sequence[erp.MasterRecord]
) -> Callable[[Any], Sequence[Any]]:
    rows = Rows(link.site)
    makers: dict[Kind, Callable[[Any], Sequence[Any]]] = {
        Kind.UNIT: rows.of_unit,
        Kind.LOCATION: rows.of_location,
        Kind.ITEM: rows.of_item,
        Kind.LOT: rows.of_lot,
        Kind.BOM: rows.of_bom,
        Kind.ROUTING: rows.of_routing,
        Kind.STOCK: rows.of_stock,
    }
    if kind is not Kind.ORDER:
        return makers[kind]
    promises = _promises(connector, [record.ref for record in records])
    return lambda record: rows.of_order(record, promises)


def _promises(connector: Connector, orders: Collection[erp.ErpRef]) -> dict[str, erp.CommitDate]:
    return {promise.order.id: promise for promise in (connector.read_demand(orders) if orders else ())}


# ---- what is read as a whole


def _is_due(link: ErpLink, kind: str) -> bool:
    fresh = Reading.objects.filter(link=link, kind=kind, problem="", read_at__gt=Now() - WHOLE_EVERY)
    return not fresh.exists()


def _read_promises(link: ErpLink, connector: Connector) -> None:
    """A promise changes without its order: the dates of all open orders."""
    open_jobs = JobOrder.objects.filter(site_id=link.site_id).exclude(status__in=OVER)
    going = WorkOrder.objects.filter(pk__in=open_jobs.values("work_order")).exclude(erp_key="").order_by("pk")
    refs = [payloads.ref(link.system, order.erp_key) for order in going]
    rows = Rows(link.site)
    dated = [
        CommitDateRow(erp_key=key_of(promise.order), version=promise.order.version, due_at=due_at)
        for promise in _promises(connector, refs).values()
        if (due_at := rows.end_of(promise.day)) is not None
    ]
    for start in range(0, len(dated), BATCH):
        take_commit_dates(_actor(link), uuid4(), site_id=link.site_id, rows=dated[start : start + BATCH])


def _read_receipts(link: ErpLink, connector: Connector) -> None:
    rows = [
        ExpectedRow(
            erp_key=key_of(receipt.ref),
            version=receipt.ref.version,
            item=key_of(receipt.item),
            quantity=receipt.quantity.value,
            unit=receipt.quantity.unit,
            due_on=receipt.day,
            supplier=receipt.supplier,
            document=receipt.document,
        )
        for receipt in connector.expected_receipts()
    ]
    set_expected_receipts(_actor(link), uuid4(), site_id=link.site_id, rows=rows)


# ---- small things


def _note_reading(link: ErpLink, kind: str, problem: str) -> None:
    known = Reading.objects.filter(link=link, kind=kind)
    if problem:
        values: dict[str, Any] = {"problem": problem[:2000]}
    else:
        values = {"problem": "", "read_at": Now()}
    if not known.update(**values):
        Reading.objects.get_or_create(link=link, kind=kind, defaults=values)


def _actor(link: ErpLink) -> Actor:
    return Actor.system(f"erp:{link.system}", Origin.ERP)
