"""Material that is short as an exception: one for each item at a site, however many operations it blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, Hit, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exceptions
from apps.core.commands import Context
from apps.orders.models import Blocker, BlockerKind, JobOrder

SHORTAGE = "shortage"


def own(context: Context, blockers: Sequence[Blocker]) -> None:
    """Gives each new blocker that needs a person its exception; the blockers are saved afterwards."""
    by_site: defaultdict[int, list[Blocker]] = defaultdict(list)
    for blocker in blockers:
        if blocker.kind == BlockerKind.MATERIAL:
            by_site[blocker.site_id].append(blocker)
    for here in by_site.values():
        raised = raise_exceptions(context, _causes(here))
        for blocker in here:
            blocker.exception_id = raised[SHORTAGE, blocker.cause_key]


def let_go(context: Context, blockers: Collection[Blocker]) -> None:
    """These are closed: an exception that owns no open one any more has lost its cause."""
    by_site: defaultdict[int, set[str]] = defaultdict(set)
    for blocker in blockers:
        if blocker.kind == BlockerKind.MATERIAL:
            by_site[blocker.site_id].add(blocker.cause_key)
    for site_id, keys in by_site.items():
        end_causes(context, site_id=site_id, kind=SHORTAGE, keys=keys)


def _causes(blockers: Sequence[Blocker]) -> list[Cause]:
    """One for each item; of several operations the one that is due first stands for it."""
    first: dict[str, JobOrder] = {}
    facts: dict[str, dict[str, str]] = {}
    for blocker in blockers:
        job, known = blocker.job_order, first.get(blocker.cause_key)
        if known is None or _due(job) < _due(known):
            first[blocker.cause_key] = job
            facts[blocker.cause_key] = {name: blocker.facts[name] for name in ("item", "unit")}
    return [
        Cause(
            type=SHORTAGE,
            kind=SHORTAGE,
            key=key,
            site_id=job.site_id,
            work_center_id=job.work_center_id,
            work_unit_id=job.work_unit_id,
            facts=facts[key],
            hits_at=job.work_order.due_at,
            work_order_id=job.work_order_id,
            thread=f"work_order:{job.work_order_id}",
            erp_reference=job.work_order.number,
        )
        for key, job in first.items()
    ]


def _due(job: JobOrder) -> tuple[bool, float]:
    due_at = job.work_order.due_at
    return due_at is None, due_at.timestamp() if due_at else 0.0


def _of(exception: FloorException) -> QuerySet[Blocker]:
    return Blocker.objects.open().filter(exception=exception)


def _sentences(exceptions: Collection[FloorException]) -> Mapping[int, str]:
    """One query."""
    rows = Blocker.objects.open().filter(exception__in=exceptions).order_by().values_list("exception")
    counts = dict(rows.annotate(n=Count("job_order__work_order", distinct=True)))
    return {exception.pk: _sentence(exception, counts.get(exception.pk, 0)) for exception in exceptions}


def _sentence(exception: FloorException, count: int) -> str:
    facts = {**exception.facts, "count": count}
    if count == 1:
        return _("%(item)s is short: it stops one order.") % facts
    return _("%(item)s is short: it stops %(count)s orders.") % facts


def _headline(exception: FloorException) -> str:
    return _("%(item)s is short") % dict(exception.facts)


def _hits(exceptions: Collection[FloorException]) -> Mapping[int, list[Hit]]:
    """The orders that wait for it, the one that is due first before the others.  One query."""
    rows = Blocker.objects.nearest_due_first().filter(exception__in=exceptions)
    hits: defaultdict[int, list[Hit]] = defaultdict(list)
    for blocker in rows.select_related("job_order__work_order"):
        order = blocker.job_order.work_order
        assert blocker.exception_id is not None, "it was found by it"
        hits[blocker.exception_id].append(
            Hit(at=order.due_at, reference=order.number, sentence=f"{blocker.reach}: {blocker.sentence}")
        )
    return hits


SHORT = declare(
    CauseKind(
        code=SHORTAGE,
        label=gettext_lazy("material is short"),
        headline=_headline,
        sentences=_sentences,
        is_present=lambda exception: _of(exception).exists(),
        hits=_hits,
    )
)
