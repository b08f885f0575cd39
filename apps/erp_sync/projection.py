"""From what happened on the floor to what the ERP is to be told; written in the transaction of the fact itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import uuid4

from apps.core.commands import Context
from apps.core.prepared import Given, Prepared
from apps.erp_sync import payloads
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import ErpLink, Posting, PostingKind
from apps.erp_sync.policy import Policy, policy_of
from apps.erp_sync.queries import TOPIC
from apps.labor.models import TimeEntry
from apps.materials.models import Lot
from apps.orders.models import JobInterval, JobOrder, WorkOrder


def link_of(site_id: int | None) -> ErpLink | None:
    """Asked before anything is read of what nobody else wants to know."""
    return _ACTIVE_LINK.first(site_id=site_id) if site_id else None


_ACTIVE_LINK = Prepared(lambda: ErpLink.objects.select_related("site").filter(site_id=Given("site_id"), active=True))


class Projection:
    """Of one event about one order of an ERP; `for_order` is None where no ERP wants to know."""

    def __init__(self, context: Context, order: WorkOrder, link: ErpLink) -> None:
        self.context, self.order, self.link = context, order, link
        self.policy: Policy = policy_of(link)

    @classmethod
    def for_order(cls, context: Context, order: WorkOrder | None, link: ErpLink | None = None) -> Projection | None:
        """`link` of the order's site, where it is at hand."""
        if order is None or not order.erp_key:
            return None
        link = link or link_of(order.site_id)
        return cls(context, order, link) if link else None

    @classmethod
    def for_thread(cls, context: Context, thread: str) -> Projection | None:
        kind, _, key = thread.partition(":")
        if kind != "work_order" or not key.isdigit():
            return None
        return cls.for_order(context, WorkOrder.objects.filter(pk=key).select_related("item").first())

    def ref(self, erp_key: str) -> erp.ErpRef:
        return payloads.ref(self.link.system, erp_key)

    @property
    def order_ref(self) -> erp.ErpRef:
        return self.ref(self.order.erp_key)

    def add(self, kind: PostingKind, part: str, content: erp.Posting, **links: Any) -> Posting:
        """One posting of the event that is being told."""
        made = self._row(kind, part, content, links)
        made.save(force_insert=True)
        self.context.touch(TOPIC)
        return made

    def add_once(self, kind: PostingKind, part: str, content: erp.Posting, **links: Any) -> None:
        """The same, where a constraint says that there is one only: what is there already stays."""
        self._save_once(self._row(kind, part, content, links))

    def _save_once(self, made: Posting) -> None:
        Posting.objects.bulk_create([made], ignore_conflicts=True)
        self.context.touch(TOPIC)

    def _row(
        self,
        kind: PostingKind,
        part: str,
        content: erp.Posting,
        links: Mapping[str, Any],
        *,
        event_id: int | None = None,
    ) -> Posting:
        """Of the event that is being told, where no other is named."""
        return Posting(
            key=content.key,
            site_id=self.order.site_id,
            link=self.link,
            work_order=self.order,
            thread=self.order.thread,
            kind=kind,
            payload=payloads.dump(kind, content),
            event_id=self.context.event_id if event_id is None else event_id,
            part=part,
            occurred_at=self.context.occurred_at,
            **links,
        )

    # ---- the order itself

    def start(self, lots: tuple[erp.ComponentLot, ...]) -> None:
        content = erp.OrderStatePosting(key=uuid4(), order=self.order_ref, intent=erp.OrderIntent.START, lots=lots)
        self.add_once(PostingKind.START, "start", content)

    def has_started(self) -> bool:
        return Posting.objects.filter(work_order=self.order, kind=PostingKind.START).exists()

    def has_finished(self) -> bool:
        """An order is finished once; what is corrected afterwards are movements of their own."""
        return Posting.objects.filter(work_order=self.order, kind=PostingKind.FINISH).exists()

    def finish(self) -> None:
        content = erp.OrderStatePosting(key=uuid4(), order=self.order_ref, intent=erp.OrderIntent.FINISH)
        self.add(PostingKind.FINISH, "finish", content)

    # ---- time

    def timed(self) -> set[int]:
        """Operations that the ERP has been told a time of."""
        told = Posting.objects.filter(work_order=self.order, kind=PostingKind.CYCLE)
        return set(told.exclude(job_order=None).values_list("job_order_id", flat=True))

    def cycle(
        self, job: JobOrder, *, final: bool, good: erp.Quantity | None = None, scrap: erp.Quantity | None = None
    ) -> None:
        """The running time since the last cycle of the operation."""
        if not job.erp_key:
            return
        last = Posting.objects.filter(job_order=job, kind=PostingKind.CYCLE).order_by("-pk").first()
        until = self.context.occurred_at
        since = job.started_at or until
        if last is not None:
            since = max(since, payloads.ADAPTERS[PostingKind.CYCLE].validate_python(last.payload).ended_at)
        since = min(since, until)
        if not final and not self._is_due(until - since):
            return
        content = erp.CyclePosting(
            key=uuid4(),
            order=self.order_ref,
            operation=self.ref(job.erp_key),
            started_at=since,
            ended_at=until,
            duration=running_time(job, since, until),
            final=final,
            good=good,
            scrap=scrap,
        )
        self.add(PostingKind.CYCLE, "cycle", content, job_order=job)

    def labor(self, entry: TimeEntry, job: JobOrder) -> None:
        """A finished time, day by day of the site; a day told before is told anew in place of that."""
        earlier = {
            payloads.ADAPTERS[PostingKind.LABOR].validate_python(posting.payload).day: posting
            for posting in Posting.objects.filter(link=self.link, time_entry=entry).order_by("pk")
        }
        spent = days_of(entry, self.link.site.zone)
        for day in sorted({*spent, *earlier}):
            duration = spent.get(day, timedelta(0))
            known = earlier.get(day)
            content = erp.LaborPosting(
                key=uuid4(),
                order=self.order_ref,
                operation=self.ref(job.erp_key),
                person=self.ref(""),
                day=day,
                duration=duration,
                description=entry.phase,
            )
            if known is not None and payloads.ADAPTERS[PostingKind.LABOR].validate_python(known.payload) == replace(
                content, key=known.key
            ):
                continue
            # It hangs on no other posting of the order: who the person is in the ERP may take a while to be said.
            made = self._row(PostingKind.LABOR, f"labor:{day}", content, {"time_entry": entry, "reverses": known})
            made.thread = f"time_entry:{entry.pk}"
            made.save(force_insert=True)
            self.context.touch(TOPIC)

    # ---- words

    def note(self, event_id: int, source: str, text: str) -> None:
        """Beside the order, in the order they were said, and nothing of it waits for them; said again, it is one.

        event_id, source  what it is about, and who says it: "rule:three_defects"
        """
        content = erp.NotePosting(key=uuid4(), order=self.order_ref, text=text)
        said = hashlib.sha256(f"{source}\n{text}".encode()).hexdigest()[:32]
        made = self._row(PostingKind.NOTE, f"note:{said}", content, {}, event_id=event_id)
        made.thread = f"notes:{self.order.thread}"
        self._save_once(made)

    def _is_due(self, passed: timedelta) -> bool:
        if self.policy.confirm == "confirmation":
            return True
        return 0 < self.policy.every_minutes <= passed / timedelta(minutes=1)

    # ---- goods

    def move(self, part: str, kind: erp.MoveKind, item_key: str, quantity: erp.Quantity, **more: Any) -> Posting:
        """`more` is what MovePosting and Posting have beyond: `lot` is ours, its reference may still be on its way."""
        lot: Lot | None = more.pop("lot", None)
        links: dict[str, Any] = {
            name: more.pop(name) for name in ("movement", "confirmation", "reverses") if name in more
        }
        links["needs_lot"] = self._lot_on_its_way(lot)
        content = erp.MovePosting(
            key=uuid4(),
            kind=kind,
            item=self.ref(item_key),
            quantity=quantity,
            occurred_at=self.context.occurred_at,
            lot=self.ref(lot.erp_key) if lot and lot.erp_key else None,
            order=more.pop("order", self.order_ref),
            **more,
        )
        return self.add(PostingKind.MOVE, part, content, **links)

    def _lot_on_its_way(self, lot: Lot | None) -> Posting | None:
        """The posting that makes our own lot known to the ERP; its first use writes it."""
        if lot is None or lot.erp_key:
            return None
        content = erp.LotPosting(key=uuid4(), item=self.ref(lot.item.erp_key), number=lot.number)
        known = Posting.objects.filter(link=self.link, lot=lot, kind=PostingKind.LOT)
        if not known.exists():
            self.add_once(PostingKind.LOT, "lot", content, lot=lot)
        return known.get()


def days_of(entry: TimeEntry, zone: tzinfo) -> dict[date, timedelta]:
    """Whole seconds of a finished time, by the days of the zone; none for a day with none."""
    spent: dict[date, timedelta] = {}
    since, until = entry.started_at.astimezone(zone), (entry.ended_at or entry.started_at).astimezone(zone)
    while since < until:
        midnight = datetime.combine(since.date() + timedelta(days=1), time(), tzinfo=zone)
        cut = min(until, midnight)
        seconds = round((cut.astimezone(UTC) - since.astimezone(UTC)).total_seconds())
        if seconds:
            spent[since.date()] = timedelta(seconds=seconds)
        since = cut
    return spent


def running_time(job: JobOrder, since: datetime, until: datetime) -> timedelta:
    """How long the operation ran between the two, its set-up included."""
    stretches = JobInterval.objects.filter(job_order=job, started_at__lt=until).exclude(ended_at__lte=since)
    return sum(
        (min(each.ended_at or until, until) - max(each.started_at, since) for each in stretches), start=timedelta(0)
    )
