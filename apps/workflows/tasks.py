"""Versions whose hour has come take effect, and the items under way follow them; what rules leave to be done."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from apps.core import clock
from apps.core.actors import Actor
from apps.core.pruning import prune
from apps.core.worker import task
from apps.workflows.life.commands import move_some, take_effect
from apps.workflows.life.publishing import MOVES
from apps.workflows.models import Rollout, RuleFailure, RuleFiring
from apps.workflows.rules.counting import prune_counted
from apps.workflows.rules.failing import tell_rule_failure, untold
from apps.workflows.simulate.runs import SIMULATIONS, carry_out_next

WORKER = Actor.system("workflows")
# The ledger keeps for ever that a rule has acted or failed; these rows are for its page.
RULES_KEPT = timedelta(days=90)


@task("workflows.take_effect", every_seconds=1)
def take_effect_when_due() -> int:
    due = Rollout.objects.to_be_announced().filter(version__effective_from__lte=clock.now())
    return sum(take_effect(WORKER, uuid4(), version_id=pk) for pk in due.values_list("version_id", flat=True))


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


@task("workflows.prune_rules", every_seconds=600)
def prune_rules() -> int:
    before = clock.now() - RULES_KEPT
    settled = RuleFailure.objects.filter(at__lt=before, settled_at__isnull=False)
    return prune_counted(clock.now()) + prune(RuleFiring.objects.filter(at__lt=before)) + prune(settled)


@task("workflows.simulate", every_seconds=5, topics=[SIMULATIONS])
def simulate() -> int:
    """One of those that were too long for the page."""
    return int(carry_out_next())
