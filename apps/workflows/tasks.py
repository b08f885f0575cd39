"""Versions whose hour has come take effect, and the items under way follow them; what rules leave to be done."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import uuid4

from django.db import InterfaceError, OperationalError, transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.pruning import prune
from apps.core.worker import task
from apps.workflows.life.commands import move_some, take_effect
from apps.workflows.life.publishing import MOVES
from apps.workflows.models import Photo, Rollout, RuleFailure, RuleFiring, RuleRollout, RuleTimer
from apps.workflows.rules.counting import prune_counted
from apps.workflows.rules.failing import tell_rule_failure, untold
from apps.workflows.rules.publishing import rule_takes_effect
from apps.workflows.rules.timers import AT_ONCE, look_again
from apps.workflows.simulate.runs import SIMULATIONS, carry_out_next

WORKER = Actor.system("workflows")
log = logging.getLogger(__name__)
# The ledger keeps for ever that a rule has acted or failed; these rows are for its page.
RULES_KEPT = timedelta(days=90)
# A picture that was taken for a step and not used by one: somebody may still be at it, but not tomorrow.
PHOTOS_WAIT = timedelta(days=1)
PHOTOS_AT_ONCE = 200


@task("workflows.take_effect", every_seconds=1)
def take_effect_when_due() -> int:
    due = Rollout.objects.to_be_announced().filter(version__effective_from__lte=clock.now())
    rules = RuleRollout.objects.to_be_announced().filter(starts_at__lte=clock.now())
    return sum(take_effect(WORKER, uuid4(), version_id=pk) for pk in due.values_list("version_id", flat=True)) + sum(
        rule_takes_effect(WORKER, uuid4(), version_id=pk) for pk in rules.values_list("version_id", flat=True)
    )


@task("workflows.move_items", every_seconds=1, topics=[MOVES])
def move_items() -> int:
    """One batch of each version that items are moving to."""
    running = Rollout.objects.moving().values_list("version_id", flat=True)
    return sum(move_some(WORKER, uuid4(), version_id=pk) for pk in list(running))


@task("workflows.tell_rule_failures", every_seconds=10)
def tell_rule_failures() -> int:
    """Those that could not be told when they happened."""
    ids = list(untold().values_list("pk", flat=True)[:20])
    return sum(tell_rule_failure(WORKER, uuid4(), failure_id=failure_id) for failure_id in ids)


@task("workflows.rule_timers", every_seconds=0.5)
def look_again_where_due() -> int:
    """Each in a transaction of its own: what goes wrong with one holds up no other, and it stays due."""
    due = RuleTimer.objects.due(clock.now()).values_list("pk", flat=True)
    return sum(_look_again(timer_id) for timer_id in list(due[:AT_ONCE]))


def _look_again(timer_id: int) -> bool:
    try:
        return look_again(WORKER, uuid4(), timer_id=timer_id)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("timer %s of a rule can't be looked at", timer_id)
        return False


@task("workflows.prune_rules", every_seconds=600)
def prune_rules() -> int:
    before = clock.now() - RULES_KEPT
    settled = RuleFailure.objects.filter(at__lt=before, settled_at__isnull=False)
    return prune_counted(clock.now()) + prune(RuleFiring.objects.filter(at__lt=before)) + prune(settled)


@task("workflows.prune_photos", every_seconds=600)
def prune_photos() -> int:
    """Those that no step has used; one that a step is about to use is locked, and stays."""
    waited = Photo.objects.unused().filter(taken_at__lt=clock.now() - PHOTOS_WAIT)
    with transaction.atomic():
        ids = waited.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:PHOTOS_AT_ONCE]
        return prune(Photo.objects.unused().filter(pk__in=list(ids)))


@task("workflows.simulate", every_seconds=5, topics=[SIMULATIONS])
def simulate() -> int:
    """One of those that were too long for the page."""
    return int(carry_out_next())
