"""What machines do and did, and what nobody has explained yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery

from apps.core.actors import Actor
from apps.core.rights import Scope
from apps.equipment.models import Downtime, DowntimePart, MachineState, StateInterval, WordOf
from apps.equipment.timeline import DOWN, Span
from apps.plant.models import Purpose, ReasonCode, WorkUnit, within


def states_of(unit_ids: Collection[int], start: datetime, end: datetime) -> dict[int, list[Span]]:
    """What each machine did from `start` to `end`, without a gap: where nothing is known, no data. Two queries.

    It begins with the last thing before `start` that was no stop and no silence: silence may lie in a stop that goes on
    there, so how long that is can't be told from what is near.
    """
    wanted = Q(pk__in=[])
    for pk, since in _last_no_stop(unit_ids, start).items():
        wanted |= Q(work_unit=pk, started_at__gte=since) if since else Q(work_unit=pk)
    rows = StateInterval.objects.filter(wanted, started_at__lt=end).order_by("work_unit", "started_at")
    found: dict[int, list[Span]] = {key: [] for key in unit_ids}
    for key, state, begins, ends, word_of in rows.values_list(
        "work_unit", "state", "started_at", "ended_at", "word_of"
    ):
        found[key].append(Span(state, begins, min(ends or end, end), word_of))
    return {key: list(_without_gaps(spans, start, end)) for key, spans in found.items()}


def _last_no_stop(unit_ids: Collection[int], before: datetime) -> dict[int, datetime | None]:
    """By machine: when it last began anything but a stop or a silence; None: never."""
    rows = StateInterval.objects.filter(work_unit=OuterRef("pk"), started_at__lt=before)
    last = rows.exclude(state__in=[*DOWN, MachineState.NO_DATA]).order_by("-started_at").values("started_at")[:1]
    return dict(WorkUnit.objects.filter(pk__in=unit_ids).values_list("pk", Subquery(last)))


def _without_gaps(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    reached = start
    for span in spans:
        if span.start > reached:
            yield Span(MachineState.NO_DATA, reached, span.start, WordOf.RULE)
        yield span
        reached = span.end or end
    if reached < end:
        yield Span(MachineState.NO_DATA, reached, end, WordOf.RULE)


def open_downtime(work_unit_id: int) -> Downtime | None:
    """The one that goes on at the machine, with its parts."""
    rows = Downtime.objects.open().filter(work_unit=work_unit_id).select_related("work_unit")
    return rows.prefetch_related("parts__reason").first()


def unexplained(actor: Actor) -> QuerySet[DowntimePart]:
    """Parts that nobody has explained yet, at places that the actor sees, the oldest first."""
    rows = DowntimePart.objects.visible_to(actor).unexplained()
    return rows.select_related("downtime__work_unit__work_center").order_by("started_at")


def standing_at(places: Scope) -> QuerySet[Downtime]:
    """The downtimes that go on at these places, with their parts and who was sent for, the longest first."""
    rows = Downtime.objects.open().filter(within(places, "work_unit__work_center"))
    rows = rows.select_related("work_unit__work_center", "work_unit__site").order_by("started_at", "pk")
    return rows.prefetch_related("parts__reason", "maintenance_requests")


def last_reasons(work_unit_id: int, count: int = 3) -> list[ReasonCode]:
    """What the machine's last stops were explained with, each once, the latest first; only what may be chosen now."""
    return last_reasons_of([work_unit_id], count).get(work_unit_id, [])


def last_reasons_of(work_unit_ids: Collection[int], count: int = 3) -> dict[int, list[ReasonCode]]:
    """The same for several machines, by machine; two queries however many they are."""
    used = (
        DowntimePart.objects.filter(downtime__work_unit__in=work_unit_ids)
        .filter(reason__in=ReasonCode.objects.choosable(Purpose.DOWNTIME))
        .order_by()
        .values_list("downtime__work_unit", "reason")
        .annotate(last=Max("classified_at"))
        .order_by("-last", "reason")
    )
    ids: defaultdict[int, list[int]] = defaultdict(list)
    for unit_id, reason_id, _last in used:
        if len(ids[unit_id]) < count:
            ids[unit_id].append(reason_id)
    reasons = ReasonCode.objects.in_bulk({pk for each in ids.values() for pk in each})
    return {unit_id: [reasons[pk] for pk in each] for unit_id, each in ids.items()}
