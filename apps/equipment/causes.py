"""A downtime calls somebody: an exception from the moment that a rule says, until the machine runs again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from django.db import OperationalError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException, Problem
from apps.andon.raising import end_causes, raise_exception
from apps.andon.recurrence import recur_as
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.equipment.models import Downtime, DowntimePart, Machine, MachineNow
from apps.equipment.words import FOLLOW_TOPIC, machine_of
from apps.plant.texts import in_language

log = logging.getLogger(__name__)

DOWNTIME = "downtime"
TYPE = "downtime"


def call_from_now_on(context: Context, downtime_id: int) -> None:
    """The open downtime calls somebody, as soon as its machine and its reason let it. A machine that somebody has in
    hand is waited for by nobody: then the worker calls, within a second.
    """
    stop = Downtime.objects.open().filter(pk=downtime_id, raised_at=None, call_due_at=None)
    if not stop.update(call_due_at=context.now):
        return
    downtime = Downtime.objects.select_for_update(of=("self",)).select_related("work_unit").get(pk=downtime_id)
    rows = MachineNow.objects.select_for_update(of=("self",), skip_locked=True)
    if rows.filter(pk=downtime.work_unit_id).first() is None:
        context.touch(FOLLOW_TOPIC)
        return
    settle_call(context, downtime, machine_of(downtime.work_unit))


def settle_call(context: Context, downtime: Downtime, machine: Machine) -> None:
    """Raises what is due, ends what is over; the downtime is locked, its parts are written."""
    is_over = downtime.ended_at is not None or downtime.withdrawn_at is not None
    downtime.calls_nobody, was_raised = not is_over and not _calls(downtime, machine), downtime.raised_at is not None
    if is_over or downtime.calls_nobody:
        _end(context, downtime)
    elif downtime.call_due_at is not None and downtime.call_due_at <= context.now:
        _raise(context, downtime)
    _write(downtime)
    if was_raised or downtime.raised_at is not None:
        _say_what_recurs(context, downtime)


def _say_what_recurs(context: Context, downtime: Downtime) -> None:
    """The same reason at the same machine, by the last part that somebody has explained; not one that calls nobody."""
    said = downtime.parts.exclude(reason=None).select_related("reason").order_by("-started_at").first()
    counts = downtime.withdrawn_at is None and not downtime.calls_nobody
    reason = said.reason if said and counts else None
    recur_as(
        context,
        site_id=downtime.site_id,
        kind=DOWNTIME,
        key=str(downtime.pk),
        name=f"{downtime.work_unit_id}:{reason.pk}" if reason else "",
        facts={"unit": downtime.work_unit.code, "reason": reason.labels, "code": reason.code} if reason else None,
    )


def _write(downtime: Downtime) -> None:
    """Without history: the ledger has the exception."""
    values = {name: getattr(downtime, name) for name in ("calls_nobody", "call_due_at", "raised_at")}
    Downtime.objects.filter(pk=downtime.pk).update(**values)


def _calls(downtime: Downtime, machine: Machine) -> bool:
    """By the machine, and by the reason of what goes on."""
    if not machine.raises_exceptions:
        return False
    last = _last_part(downtime)
    if machine.pk is None or last is None or last.reason_id is None:
        return True
    return not machine.quiet_reasons.filter(pk=last.reason_id).exists()


def _last_part(downtime: Downtime) -> DowntimePart | None:
    return downtime.parts.select_related("reason").order_by("-started_at").first()


def _raise(context: Context, downtime: Downtime) -> None:
    """Where nobody can be called just now (the plant has no workflow for exceptions, somebody holds a lock for long)
    the stop is a fact all the same; it stays due.
    """
    unit = downtime.work_unit
    cause = Cause(
        type=TYPE,
        kind=DOWNTIME,
        key=str(downtime.pk),
        site_id=downtime.site_id,
        work_center_id=unit.work_center_id,
        work_unit_id=unit.pk,
        facts={"unit": unit.code},
        thread=f"downtime:{downtime.pk}",
        at=downtime.started_at,
        recurs_as="",
    )
    try:
        with transaction.atomic():
            raise_exception(context, cause)
    except (CommandRefused, OperationalError) as refusal:
        log.warning("nobody is called for %s: %s", downtime, refusal)
        return
    downtime.raised_at, downtime.call_due_at = context.now, None


def _end(context: Context, downtime: Downtime) -> None:
    if not downtime.calls_nobody:
        downtime.call_due_at = None
    if downtime.raised_at is None:
        return
    if downtime.calls_nobody:
        # It calls again when there is another reason.
        downtime.raised_at, downtime.call_due_at = None, context.now
        _write(downtime)
    at = max(downtime.ended_at, downtime.started_at) if downtime.ended_at else context.occurred_at
    then = replace(context, occurred_at=at)
    end_causes(then, site_id=downtime.site_id, kind=DOWNTIME, keys=[str(downtime.pk)])


# ---- how the exception is told


def _is_present(exception: FloorException) -> bool:
    return Downtime.objects.open().filter(pk=int(exception.cause_key), raised_at__isnull=False).exists()


def _headline(exception: FloorException) -> str:
    return _("%(unit)s stands") % {"unit": exception.facts["unit"]}


def _sentences(exceptions: Collection[FloorException]) -> Mapping[int, str]:
    """Two queries."""
    rows = Downtime.objects.select_related("work_unit__site").prefetch_related("parts__reason")
    downtimes = rows.in_bulk([int(exception.cause_key) for exception in exceptions])
    return {
        exception.pk: _sentence(downtimes[key]) if key in downtimes else _headline(exception)
        for exception in exceptions
        for key in [int(exception.cause_key)]
    }


def _sentence(downtime: Downtime) -> str:
    """Its parts are there, the earliest first."""
    parts = list(downtime.parts.all())
    since = date_format(downtime.started_at.astimezone(downtime.work_unit.site.zone), "TIME_FORMAT")
    said = {"unit": downtime.work_unit.code, "since": since}
    if not parts or parts[-1].reason is None:
        return _("%(unit)s has stood still since %(since)s, nobody has said why.") % said
    return _("%(unit)s has stood still since %(since)s: %(reason)s.") % {**said, "reason": parts[-1].reason.label()}


def _again(problem: Problem) -> str:
    facts = problem.facts
    return f"{facts['unit']}, {in_language(facts['reason'], None, facts['code'])}" if facts else problem.cause_key


CAUSE = declare(
    CauseKind(
        code=DOWNTIME,
        label=gettext_lazy("stopped machine"),
        headline=_headline,
        sentences=_sentences,
        is_present=_is_present,
        again=_again,
    )
)
