"""How far an operation has got with its standard work, and what follows for the next step, booking or completion.

Steps are worked in this order: once and per set-up, before the first piece; then, whenever they are due, those every
so many pieces or per container; then those of the piece in hand. Each question answers with None or with the reason
why not; nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.models import LedgerEvent
from apps.core.numbers import plain
from apps.core.prepared import Given, Prepared
from apps.orders.models import Confirmation, DirectiveStep, DispatchStatus, Frequency, JobOrder, StepRecord
from apps.workflows.events import StateChanged
from apps.workflows.kinds import Refusal

# Of several open steps, the one of the lowest rank is worked first.
RANK: dict[str, int] = {
    Frequency.ONCE: 0,
    Frequency.PER_SET_UP: 0,
    Frequency.EVERY_N: 1,
    Frequency.PER_CONTAINER: 1,
    Frequency.PER_PIECE: 2,
}


@dataclass(frozen=True)
class Standing:
    """Of one step.

    due   the occasion that is due now; 0 while none is
    last  the newest record of the highest occasion on record
    """

    step: DirectiveStep
    due: int
    last: StepRecord | None

    @property
    def done(self) -> int:
        """The highest occasion that is done."""
        if self.last is None:
            return 0
        return self.last.occasion if self.last.counts else self.last.occasion - 1

    @property
    def is_open(self) -> bool:
        return self.due > self.done

    @property
    def failed(self) -> StepRecord | None:
        """The measurement outside the limits that stands for the occasion due, until there is one inside."""
        last = self.last
        return last if last is not None and not last.counts and last.occasion == self.due else None

    @property
    def rank(self) -> tuple[int, int]:
        return RANK[self.step.frequency], self.step.position

    @property
    def next_after(self) -> int:
        """The number of pieces made after which it is due next; 0 where pieces don't count."""
        return (self.step.interval or 0) * (self.done + 1)


@dataclass(frozen=True)
class Progress:
    """
    made      pieces that are over, good or scrap; one that was booked and undone has used up its number
    can_make  whether one more good piece may be made
    begun     whether the piece in hand has a step on record
    """

    job: JobOrder
    standings: list[Standing]
    made: int
    can_make: bool
    begun: bool

    @property
    def by_piece(self) -> bool:
        return any(standing.step.frequency == Frequency.PER_PIECE for standing in self.standings)

    @property
    def piece(self) -> int | None:
        """The number of the piece in hand, or of the next one; None where pieces have no steps."""
        return self.made + 1 if self.by_piece else None

    @property
    def open(self) -> list[Standing]:
        """In the order of work; a piece that nobody wants any more is not among them, unless it has been begun."""
        wanted = self.begun or bool(self.job.to_do)
        found = [s for s in self.standings if s.is_open and (wanted or s.step.frequency != Frequency.PER_PIECE)]
        return sorted(found, key=lambda standing: standing.rank)

    @property
    def piece_is_done(self) -> bool:
        mine = [s for s in self.standings if s.step.frequency == Frequency.PER_PIECE]
        return self.begun and not any(s.is_open and s.step.required for s in mine)


_STEPS = Prepared(
    lambda: (
        DirectiveStep.objects.select_related("scan_item")
        .filter(directive__job_order=Given("job_order"))
        .order_by("position")
    )
)


def progress_of(job: JobOrder) -> Progress:
    """One query where there are no steps, two to five where there are."""
    steps = _STEPS(job_order=job.pk)
    by_piece = any(step.frequency == Frequency.PER_PIECE for step in steps)
    made = _made(job, by_piece=by_piece) if steps else 0
    last = _last_records(job, made) if steps else {}
    begun = any(record.piece == made + 1 for record in last.values())
    can_make = job.good_quantity + 1 <= job.most_good
    due = {
        Frequency.ONCE: 1,
        Frequency.PER_SET_UP: _set_up(job) if any(s.frequency == Frequency.PER_SET_UP for s in steps) else 1,
        Frequency.PER_PIECE: made + 1 if can_make else 0,
    }
    standings = [
        Standing(
            step, due[Frequency(step.frequency)] if not step.interval else _due(job, step, made), last.get(step.pk)
        )
        for step in steps
    ]
    return Progress(job, standings, made, can_make, begun)


def _made(job: JobOrder, *, by_piece: bool) -> int:
    if not by_piece:
        return int(job.good_quantity + job.scrap_quantity)
    booked = Confirmation.objects.filter(job_order=job, reverses=None).aggregate(sum=Sum(F("good") + F("scrap")))
    return int(booked["sum"] or 0)


def _last_records(job: JobOrder, made: int) -> dict[int, StepRecord]:
    """Of pieces only the one in hand and the one before it count."""
    records = StepRecord.objects.filter(Q(piece=None) | Q(piece__gte=made), job_order=job)
    newest = records.order_by("step_id", "-occasion", "-pk").distinct("step_id")
    return {record.step_id: record for record in newest}


def _set_up(job: JobOrder) -> int:
    """Its number: each start from the queue is one, going on after a pause is none."""
    moves = LedgerEvent.objects.filter(
        kind=StateChanged.kind, subject_kind="job_order", subject_id=str(job.pk), data__to_status=DispatchStatus.RUNNING
    )
    return max(1, moves.exclude(data__from_status__in=[DispatchStatus.SUSPENDED, DispatchStatus.RUNNING]).count())


def _due(job: JobOrder, step: DirectiveStep, made: int) -> int:
    """The last container counts when the operation is made, full or not."""
    full, rest = divmod(made, step.interval or 1)
    ends = step.frequency == Frequency.PER_CONTAINER and not job.to_do
    return full + 1 if rest and ends else full


# ---- what may be done


def is_last_of_piece(progress: Progress, standing: Standing) -> bool:
    """Whether nothing else that is required is left to do on the piece in hand."""
    if standing.step.frequency != Frequency.PER_PIECE:
        return False
    others = (s for s in progress.standings if s.step.frequency == Frequency.PER_PIECE and s is not standing)
    return not any(s.is_open and s.step.required for s in others)


def why_not_record(progress: Progress, standing: Standing) -> Refusal | None:
    step = standing.step
    words = {"number": step.position, "title": step.title}
    if not standing.due or (standing.step.interval and not standing.is_open):
        after = standing.next_after
        sentence = (
            _("Step %(number)s “%(title)s” is due after %(after)s pieces.") % {**words, "after": after}
            if after
            else _("All %(quantity)s are made: no more piece is needed.") % {"quantity": plain(progress.job.quantity)}
        )
        return Refusal("not_due", sentence, facts={"step_id": step.pk})
    if not standing.is_open:
        at = _clock_time(standing.last.occurred_at) if standing.last else ""
        sentence = _("Step %(number)s “%(title)s” is done already (%(time)s).") % {**words, "time": at}
        return Refusal("step_done", sentence, facts={"step_id": step.pk, "occasion": standing.due})
    before = [s for s in progress.standings if s.rank < standing.rank and s.is_open and s.step.required]
    return _do_first(min(before, key=lambda s: s.rank)) if before else None


def _do_first(standing: Standing) -> Refusal:
    step = standing.step
    words = {"number": step.position, "title": step.title}
    sentence = (
        _("Step %(number)s “%(title)s” is outside its limits. Measure it again, inside them, first.")
        if standing.failed
        else _("Do step %(number)s “%(title)s” first.")
    )
    return Refusal("step_before", sentence % words, facts={"step_id": step.pk, "occasion": standing.due})


def why_not_book(progress: Progress, good: Decimal, scrap: Decimal) -> Refusal | None:
    """For every booking, by hand or by the last step of a piece."""
    first = next((s for s in progress.open if s.step.required and RANK[s.step.frequency] == 0), None)
    if first:
        return _do_first(first)
    if progress.by_piece and (refusal := _not_a_piece(progress, good, scrap)):
        return refusal
    for standing in progress.standings:
        if standing.step.interval and standing.step.required and progress.made + good + scrap > standing.next_after:
            return _check_first(progress, standing)
    return None


def _not_a_piece(progress: Progress, good: Decimal, scrap: Decimal) -> Refusal | None:
    facts = {"piece": progress.piece}
    if good and not (good == 1 and not scrap and progress.piece_is_done):
        sentence = _("Piece %(piece)s becomes good by its steps. By hand it can only be booked as scrap.")
        return Refusal("good_by_steps", sentence % {"piece": progress.piece}, facts=facts)
    if scrap not in (0, 1):
        sentence = _("Only the piece in hand, number %(piece)s, can be booked as scrap: book 1.")
        return Refusal("one_piece", sentence % {"piece": progress.piece}, facts=facts)
    return None


def _check_first(progress: Progress, standing: Standing) -> Refusal:
    """The step is due at `next_after` pieces made, and no piece may pass it."""
    left = standing.next_after - progress.made
    if left <= 0:
        return _do_first(standing)
    sentence = _("After %(after)s pieces step %(number)s “%(title)s” is due. Book at most %(left)s until then.") % {
        "after": standing.next_after,
        "number": standing.step.position,
        "title": standing.step.title,
        "left": left,
    }
    return Refusal("check_due", sentence, facts={"step_id": standing.step.pk, "left": left})


def why_not_complete(progress: Progress) -> Refusal | None:
    required = [s for s in progress.open if s.step.required and s.step.frequency != Frequency.PER_PIECE]
    if required:
        return _do_first(required[0])
    if progress.by_piece and progress.begun:
        sentence = _("Piece %(piece)s is begun. Do its steps, or book it as scrap, then complete.")
        return Refusal("piece_begun", sentence % {"piece": progress.piece}, facts={"piece": progress.piece})
    return None


def _clock_time(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"
