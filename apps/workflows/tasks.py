"""Versions whose hour has come take effect, and the items under way follow them."""

from __future__ import annotations

from uuid import uuid4

from apps.core import clock
from apps.core.actors import Actor
from apps.core.worker import task
from apps.workflows.life.commands import move_some, take_effect
from apps.workflows.life.publishing import MOVES
from apps.workflows.models import Rollout

WORKER = Actor.system("workflows")


@task("workflows.take_effect", every_seconds=1)
def take_effect_when_due() -> int:
    due = Rollout.objects.to_be_announced().filter(version__effective_from__lte=clock.now())
    return sum(take_effect(WORKER, uuid4(), version_id=pk) for pk in due.values_list("version_id", flat=True))


@task("workflows.move_items", every_seconds=1, topics=[MOVES])
def move_items() -> int:
    """One batch of each version that items are moving to."""
    running = Rollout.objects.moving().values_list("version_id", flat=True)
    return sum(move_some(WORKER, uuid4(), version_id=pk) for pk in list(running))
