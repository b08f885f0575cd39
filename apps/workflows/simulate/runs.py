"""A simulation that somebody has asked for: at once where it is short, else by the worker; the result is kept."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.plant.models import Person
from apps.workflows.actions import SIMULATE
from apps.workflows.events import DraftTried
from apps.workflows.kinds import KINDS
from apps.workflows.models import RuleVersion, SimulationRun, SimulationStatus, Version
from apps.workflows.rows import to_definition
from apps.workflows.rules.check import RuleFault, check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RuleDraftTried
from apps.workflows.rules.in_force import in_force_beside, spec_of
from apps.workflows.simulate.borrowed import past_of
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.replay import replay
from apps.workflows.simulate.result import Result
from apps.workflows.simulate.rules.replay import replay_rule
from apps.workflows.simulate.rules.result import RuleResult
from apps.workflows.versioning import refuse_errors

log = logging.getLogger(__name__)

SIMULATIONS = "simulations"
LONGEST_DAYS, MOST_MOVES = 366, 1_000_000
# So long a page waits; what takes longer is the worker's, from the beginning.
PATIENCE_SECONDS = 3.0
# Of one version so many results are kept.
KEPT = 20


@command("workflows.simulate")
def simulate(context: Context, *, version_id: int, days: int = 0, moves: int = 0) -> int:
    """Asks for a replay of the last `days`, or of the last `moves`. Answers the id of the run, which may be one that
    somebody has asked for already.
    """
    context.allow(SIMULATE, at=EVERYWHERE)
    _refuse_wrong_span(context, days, moves, _("Choose up to %(days)s days, or up to %(moves)s moves."))
    version = Version.objects.select_for_update().filter(pk=version_id).first()
    if version is None:
        context.refuse("not_found", _("This does not exist any more. Reload the screen."))
    run = _asked_for(context, version.simulations, version.checksum, days, moves)
    context.record(DraftTried(subject_id=version.pk, run_id=run.pk, checksum=version.checksum, days=days, moves=moves))
    return run.pk


@command("workflows.simulate_rule")
def simulate_rule(context: Context, *, version_id: int, days: int = 0, events: int = 0) -> int:
    """The same of a version of a rule. Refused while the check finds errors, but for a rule that does nothing yet."""
    context.allow(SIMULATE, at=EVERYWHERE)
    _refuse_wrong_span(context, days, events, _("Choose up to %(days)s days, or up to %(moves)s events."))
    version = RuleVersion.objects.select_for_update().filter(pk=version_id).first()
    spec = spec_of(version) if version else None
    if version is None or spec is None:
        context.refuse("not_found", _("This does not exist any more. Reload the screen."))
    refuse_errors(context, [problem for problem in check_rule(spec) if problem.code != RuleFault.NO_ACTIONS])
    run = _asked_for(context, version.simulations, version.checksum, days, events)
    context.record(
        RuleDraftTried(
            subject_id=version.rule_id,
            version_id=version.pk,
            run_id=run.pk,
            checksum=version.checksum,
            days=days,
            events=events,
        )
    )
    return run.pk


def _refuse_wrong_span(context: Context, days: int, moves: int, sentence: str) -> None:
    if (days > 0) == (moves > 0) or not (0 <= days <= LONGEST_DAYS and 0 <= moves <= MOST_MOVES):
        context.refuse("wrong_span", sentence % {"days": LONGEST_DAYS, "moves": MOST_MOVES})


def _asked_for(context: Context, runs: Any, checksum: str, days: int, moves: int) -> SimulationRun:
    """`runs`: those of the version, which is locked."""
    run: SimulationRun | None = runs.open().filter(checksum=checksum, days=days, moves=moves).first()
    if run is not None:
        return run
    asked = {"asked_by_id": context.actor.person_id, "asked_at": context.now}
    made: SimulationRun = runs.create(checksum=checksum, days=days, moves=moves, **asked)
    old = runs.order_by("-pk").values_list("pk", flat=True)[KEPT:]
    runs.filter(pk__in=list(old)).delete()
    return made


def carry_out_next() -> bool:
    """The oldest that waits, or that a process has left behind; False: none."""
    with transaction.atomic():
        rows = SimulationRun.objects.to_be_carried_out(clock.now()).order_by("pk")
        run = rows.select_for_update(skip_locked=True).first()
        if run is None:
            return False
        _begin(run)
    _carry_out(run, patience_seconds=None)
    return True


def carry_out(run_id: int) -> bool:
    """False: it takes longer, and waits for the worker; or somebody else is at it."""
    with transaction.atomic():
        rows = SimulationRun.objects.filter(pk=run_id, status=SimulationStatus.WAITING)
        run = rows.select_for_update(skip_locked=True).first()
        if run is None:
            return False
        _begin(run)
    return _carry_out(run, patience_seconds=PATIENCE_SECONDS)


def _begin(run: SimulationRun) -> None:
    run.status, run.beat_at, run.done = SimulationStatus.RUNNING, clock.now(), 0
    run.save(update_fields=["status", "beat_at", "done"])


class _TooLongError(Exception):
    pass


@dataclass
class _Progress:
    """Told between two segments, in a transaction of its own."""

    run: SimulationRun
    until: float | None

    def __call__(self, done: int, total: int) -> None:
        if self.until is not None and time.monotonic() > self.until and done < total:
            raise _TooLongError
        SimulationRun.objects.filter(pk=self.run.pk).update(done=done, total=total, beat_at=clock.now())


def _carry_out(run: SimulationRun, *, patience_seconds: float | None) -> bool:
    until = None if patience_seconds is None else time.monotonic() + patience_seconds
    try:
        with translation.override(_language_of(run.asked_by_id)):
            checksum, result = _result(run, _Progress(run, until))
    except _TooLongError:
        SimulationRun.objects.filter(pk=run.pk).update(status=SimulationStatus.WAITING)
        return False
    except Exception as error:
        log.exception("simulation %s failed", run.pk)
        problem = f"{type(error).__name__}: {str(error)[:300]}"
        end = {"status": SimulationStatus.FAILED, "problem": problem, "finished_at": clock.now()}
        SimulationRun.objects.filter(pk=run.pk).update(**end)
        return True
    SimulationRun.objects.filter(pk=run.pk).update(
        status=SimulationStatus.DONE,
        checksum=checksum,
        result=result.to_json(),
        finished_at=clock.now(),
        done=result.judged,
        total=result.judged,
    )
    return True


def _result(run: SimulationRun, progress: _Progress) -> tuple[str, Result | RuleResult]:
    span = Span(days=run.days, moves=run.moves)
    if run.rule_version_id is not None:
        return _result_of_rule(run.rule_version_id, span, progress)
    assert run.version_id, "it is of the one or of the other"
    version = Version.objects.select_related("workflow").get(pk=run.version_id)
    definition = to_definition(version)
    past = past_of(version, definition)
    result = replay(
        KINDS[version.workflow.kind],
        definition,
        past.befores,
        past.beside,
        span,
        is_borrowed=past.is_borrowed,
        progress=progress,
    )
    return definition.checksum, result


def _result_of_rule(version_id: int, span: Span, progress: _Progress) -> tuple[str, RuleResult]:
    version = RuleVersion.objects.select_related("rule").get(pk=version_id)
    spec = RuleSpec.model_validate(version.content)
    in_force = in_force_beside(version, clock.now())
    return spec.checksum, replay_rule(version, spec, in_force, span, progress=progress)


def _language_of(person_id: int | None) -> str | None:
    """Of who has asked: the sentences in the result are for them. None: as the process speaks."""
    person = Person.objects.get_queryset().filter(pk=person_id or 0).first()
    return person.language if person else translation.get_language()
