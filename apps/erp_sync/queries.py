"""How far the ERP is behind the floor."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef

from apps.erp_sync.models import Posting, PostingKind, PostingState
from apps.orders.models import JobOrder
from apps.orders.models.statuses import OVER

# Wakes the worker: something is to be delivered.
TOPIC = "outbox"

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


def topic_of(posting: Posting) -> str:
    """What screens that show postings of the site depend on."""
    return f"erp:{posting.site_id}"


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))
