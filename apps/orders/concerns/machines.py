"""A machine that stands: what is planned on it next, who waits for that, and what was made of what is in hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain

from django.db.models import Case, F, IntegerField, Q, Sum, Value, When
from django.utils.translation import gettext as _

from apps.andon.causes import Hit, declare_hits
from apps.andon.concerns import MOST, Concern, Lines, declare
from apps.andon.cures import Offer, Subject, Subjects
from apps.andon.models import FloorException, Impact
from apps.andon.storms import STORM
from apps.andon.times import at_site
from apps.core.numbers import plain
from apps.equipment.causes import DOWNTIME
from apps.materials.models import Movement, MovementKind
from apps.orders.concerns.ranking import Few, few_of_each
from apps.orders.concerns.words import can_be_done, commitment, due
from apps.orders.cures.machines import MOVE
from apps.orders.models import Confirmation, JobOrder
from apps.orders.models.statuses import BEGUN
from apps.orders.roles import CUSTOMER_SERVICE, PLANNING, QUALITY

_IN_HAND_FIRST = Case(When(status__in=BEGUN, then=Value(0)), default=Value(1), output_field=IntegerField())
_ORDER = [
    _IN_HAND_FIRST.asc(),
    F("work_order__due_at").asc(nulls_last=True),
    F("work_order__priority").asc(),
    F("work_order__number").asc(),
    F("sequence").asc(),
]


def _standing(exceptions: Collection[FloorException]) -> dict[int, set[int]]:
    """By exception, the machines that stand, whatever kind of cause has stopped them; of many at once those of all.

    One query where there are many at once.
    """
    found = {e.pk: {e.work_unit_id} for e in exceptions if e.impact == Impact.DOWN and e.work_unit_id and e.is_open}
    storms = [e.pk for e in exceptions if e.cause_kind == STORM and e.is_open]
    if storms:
        parts = FloorException.objects.open().filter(parent__in=storms, impact=Impact.DOWN, work_unit__isnull=False)
        for storm_id, unit_id in parts.values_list("parent", "work_unit"):
            if storm_id is not None and unit_id is not None:
                found.setdefault(storm_id, set()).add(unit_id)
    return found


def _planned(standing: Mapping[int, set[int]], only: Q | None = None) -> dict[int, Few[JobOrder]]:
    """By exception, what is in hand at its machines and then what is planned next."""
    units = set(chain.from_iterable(standing.values()))
    if not units:
        return {}
    rows = JobOrder.objects.not_over().filter(only or Q(), work_unit__in=units)
    at = few_of_each(rows, "work_unit", _ORDER, ["work_order", "workflow_version"])
    few = {pk: [at[unit_id] for unit_id in mine if unit_id in at] for pk, mine in standing.items()}
    return {pk: _together(each) for pk, each in few.items() if each}


def _together(few: Sequence[Few[JobOrder]]) -> Few[JobOrder]:
    rows = sorted((job for each in few for job in each.rows), key=_urgency)
    return Few(rows[:MOST], sum(each.total for each in few))


def _urgency(job: JobOrder) -> tuple[bool, bool, float, int, str, int]:
    """As _ORDER."""
    order = job.work_order
    due_at = order.due_at.timestamp() if order.due_at else 0.0
    return job.status not in BEGUN, order.due_at is None, due_at, order.priority, order.number, job.sequence


def _by_subject(subjects: Subjects, only: Q | None = None) -> dict[Subject, Few[JobOrder]]:
    planned = _planned(_standing([subject.exception for subject in subjects]), only)
    return {subject: planned[subject.exception.pk] for subject in subjects if subject.exception.pk in planned}


def _hits(exceptions: Collection[FloorException]) -> Mapping[int, list[Hit]]:
    """What is late already is hit by something else: it has no time at which this hits it."""
    planned = _planned(_standing(exceptions))
    return {
        exception.pk: [_hit(exception, job) for job in planned[exception.pk].rows]
        for exception in exceptions
        if exception.pk in planned
    }


def _hit(exception: FloorException, job: JobOrder) -> Hit:
    due_at: datetime | None = job.work_order.due_at
    is_ahead = due_at is not None and due_at > exception.raised_at
    return Hit(at=due_at if is_ahead else None, reference=job.work_order.number, sentence=_stands(job))


def _stands(job: JobOrder) -> str:
    words = {"left": plain(job.to_do), "unit": job.work_order.unit, "operation": job.name}
    said = (
        _("%(operation)s stands, %(left)s %(unit)s to do.")
        if job.status in BEGUN
        else _("%(operation)s is planned there, %(left)s %(unit)s to do.")
    )
    return said % words


def _orders_planned(subjects: Subjects) -> Mapping[Subject, Lines]:
    planned = _by_subject(subjects)
    offers = MOVE.offers(Subjects(planned)) if planned else {}
    return {
        subject: Lines(
            [*(_order(subject, job) for job in few.rows), *_alternatives(offers.get(subject, []))], few.left_out
        )
        for subject, few in planned.items()
    }


def _order(subject: Subject, job: JobOrder) -> str:
    order = job.work_order
    words = {"order": order.number, "what": _stands(job), "due": due(order.due_at, subject.exception.site.zone)}
    return _("%(order)s, %(due)s: %(what)s") % words


def _alternatives(offers: Sequence[Offer]) -> list[str]:
    """Where it could run now, else why nowhere."""
    possible = [offer for offer in offers if not offer.why_not]
    if possible:
        return [can_be_done(possible)]
    return [" ".join(offer.why_not for offer in offers[:2])] if offers else []


def _commitments(subjects: Subjects) -> Mapping[Subject, Lines]:
    standing = _standing([subject.exception for subject in subjects])
    planned = _by_subject(subjects, ~Q(work_order__customer=""))
    return {
        subject: Lines(
            [commitment(job.work_order, subject.exception.site.zone) for job in planned[subject].rows],
            planned[subject].left_out,
        )
        if subject in planned
        else Lines([_("No order of a customer is planned on what stands.")])
        for subject in subjects
        if subject.exception.pk in standing
    }


# ---- quality


def _made(subjects: Subjects) -> Mapping[Subject, Lines]:
    """Of what is in hand: how much was made of it, in which lots, and how much since the machine stands."""
    in_hand = _by_subject(subjects, Q(status__in=BEGUN))
    jobs = [job for few in in_hand.values() for job in few.rows]
    lots, booked = _lots(jobs), _booked(jobs, [subject.exception for subject in in_hand])
    found: dict[Subject, Lines] = {}
    for subject, few in in_hand.items():
        said = [_in_hand(subject.exception, job, lots[job.work_order.thread], booked[job.pk]) for job in few.rows]
        found[subject] = Lines(said, few.left_out)
    return found


def _lots(jobs: Sequence[JobOrder]) -> Mapping[str, list[str]]:
    """By the story of the order, the lots into which its pieces went.  One query."""
    received = Movement.objects.standing().filter(kind=MovementKind.RECEIPT, lot__isnull=False)
    found: defaultdict[str, list[str]] = defaultdict(list)
    rows = received.filter(thread__in=[job.work_order.thread for job in jobs])
    for thread, number in rows.order_by("thread", "lot__number").values_list("thread", "lot__number").distinct():
        found[thread].append(number)
    return found


Booked = tuple[datetime, Decimal]


def _booked(jobs: Sequence[JobOrder], exceptions: Sequence[FloorException]) -> Mapping[int, list[Booked]]:
    """By operation, what was made since the first of these machines stands.  One query."""
    found: defaultdict[int, list[Booked]] = defaultdict(list)
    if jobs:
        since = min(exception.raised_at for exception in exceptions)
        rows = Confirmation.objects.filter(job_order__in=jobs, occurred_at__gte=since, reverses=None, reversed_by=None)
        for job_id, at, made in rows.values_list("job_order", "occurred_at").annotate(n=Sum(F("good") + F("scrap"))):
            found[job_id].append((at, made))
    return found


def _in_hand(exception: FloorException, job: JobOrder, lots: Sequence[str], booked: Sequence[Booked]) -> str:
    since = sum((made for at, made in booked if at >= exception.raised_at), Decimal(0))
    words = {
        "order": job.work_order.number,
        "good": plain(job.good_quantity),
        "scrap": plain(job.scrap_quantity),
        "unit": job.work_order.unit,
        "lots": ", ".join(lots),
        "since": plain(since),
        "time": at_site(exception.raised_at, exception.site.zone),
    }
    said = (
        _("%(order)s is in hand: %(good)s %(unit)s good and %(scrap)s scrap so far; since %(time)s %(since)s.") % words
    )
    return f"{said} {_('In lot %(lots)s.') % words}" if lots else said


declare_hits(DOWNTIME, _hits)
declare(Concern(code="machine.planning", roles=PLANNING, lines=_orders_planned))
declare(Concern(code="machine.customers", roles=frozenset({CUSTOMER_SERVICE}), lines=_commitments))
declare(Concern(code="machine.quality", roles=QUALITY, lines=_made))
