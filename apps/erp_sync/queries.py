"""How far the ERP is behind the floor."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from apps.erp_sync.models import ErpLink, Posting, PostingKind, PostingState
from apps.erp_sync.models.outbox import UNSETTLED
from apps.orders.consumption import FOR_CONFIRMATION
from apps.orders.models import Confirmation, JobOrder
from apps.orders.models.statuses import OVER

# Wakes the worker: something is to be delivered.
TOPIC = "outbox"
# The same: figures of an order are to be compared.
COMPARE_TOPIC = "erp_comparison"

LAG = """
SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM posted_at - recorded_at))
          FROM erp_sync_posting
         WHERE state = 'posted' AND posted_at > clock_timestamp() - interval '1 hour'
           AND (%(site)s::bigint IS NULL OR site_id = %(site)s)),
       (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM posted_at - recorded_at))
          FROM erp_sync_posting
         WHERE state = 'posted' AND posted_at > clock_timestamp() - interval '1 hour'
           AND (%(site)s::bigint IS NULL OR site_id = %(site)s)),
       extract(epoch FROM clock_timestamp() - min(recorded_at)),
       count(*) FILTER (WHERE state <> 'parked'),
       count(*) FILTER (WHERE state = 'parked')
  FROM erp_sync_posting
 WHERE state IN ('queued', 'leased', 'parked') AND (%(site)s::bigint IS NULL OR site_id = %(site)s)
"""


@dataclass(frozen=True)
class Lag:
    """Seconds from recorded here to confirmed by the ERP, of the last hour; None: nothing was.

    oldest  seconds that the oldest has been waiting, parked ones included    waiting  how many wait, parked ones not
    """

    p50: float | None
    p95: float | None
    oldest: float | None
    waiting: int
    parked: int


def lag(site_id: int | None = None) -> Lag:
    """Of one site, or (None) of all. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"site": site_id})
        p50, p95, oldest, waiting, parked = cursor.fetchone()
    return Lag(_seconds(p50), _seconds(p95), _seconds(oldest), waiting, parked)


def overlooked() -> list[int]:
    """Orders started in the ERP that are over to the last operation, and whose finish nobody has told it of."""
    finish = Posting.objects.filter(work_order=OuterRef("work_order"), kind=PostingKind.FINISH)
    jobs = JobOrder.objects.filter(work_order=OuterRef("work_order"))
    # The finish of an order whose start is still on its way is told with the start's confirmation.
    known = (PostingState.POSTED, PostingState.SKIPPED)
    started = Posting.objects.filter(kind=PostingKind.START, link__active=True, state__in=known)
    rows = started.filter(~Exists(finish), ~Exists(jobs.exclude(status__in=OVER)))
    return list(rows.order_by("pk").values_list("work_order_id", flat=True))


@dataclass(frozen=True)
class InErp:
    """Where a booking has got to on its way into the ERP.

    state      posted when all of its postings are; skipped when a person has kept one of them from the ERP; parked
               when it, or one before it in its order's story, stands still; else queued
    documents  the ERP's, as people name them, as far as it is there
    sentence   why it stands still; the ERP's own words
    """

    state: PostingState
    documents: str = ""
    sentence: str = ""


def in_erp(confirmation: Confirmation) -> InErp | None:
    """None: it is not meant for an ERP. At most two queries, with the operation and its order at hand."""
    job, order = confirmation.job_order, confirmation.job_order.work_order
    if not order.erp_key:
        return None
    moved = Q(confirmation=confirmation) | Q(movement__for_kind=FOR_CONFIRMATION, movement__for_id=str(confirmation.pk))
    timed = Q(kind=PostingKind.CYCLE, job_order=job, occurred_at__gte=confirmation.occurred_at)
    rows = Posting.objects.filter(moved | timed | Q(state=PostingState.PARKED), thread=order.thread)
    told = list(rows.order_by("pk").select_related("movement"))
    # Time is gathered by policy: the first cycle that ends at the booking or after it has its time.
    cycles = [row for row in told if row.kind == PostingKind.CYCLE and row.occurred_at >= confirmation.occurred_at]
    cycle = min(cycles, key=lambda row: row.occurred_at, default=None)
    own = [row for row in told if row is cycle or _moves(row, confirmation)]
    if not own:
        waits = job.erp_key and ErpLink.objects.filter(site_id=order.site_id, active=True).exists()
        return InErp(PostingState.QUEUED) if waits else None
    return _summary(own, told)


def _moves(row: Posting, confirmation: Confirmation) -> bool:
    if row.confirmation_id == confirmation.pk:
        return True
    movement = row.movement
    return movement is not None and (movement.for_kind, movement.for_id) == (FOR_CONFIRMATION, str(confirmation.pk))


def _summary(own: list[Posting], told: list[Posting]) -> InErp:
    documents = ", ".join(row.document for row in own if row.document)
    if not any(row.state in UNSETTLED for row in own):
        skipped = any(row.state == PostingState.SKIPPED for row in own)
        return InErp(PostingState.SKIPPED if skipped else PostingState.POSTED, documents)
    last = max((row.sequence for row in own if row.state in UNSETTLED and row.sequence), default=0)
    for row in told:
        if row.state == PostingState.PARKED and (row in own or (row.sequence or 0) < last):
            return InErp(PostingState.PARKED, documents, row.parked_reason.get("sentence", ""))
    return InErp(PostingState.QUEUED, documents)


def topic_of(posting: Posting) -> str:
    """What screens that show postings of the site depend on."""
    return erp_topic(posting.site_id)


def erp_topic(site_id: int) -> str:
    return f"erp:{site_id}"


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))
