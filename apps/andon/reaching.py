"""What the worker does so that people are reached: a lane for each way out, and the lights."""

from __future__ import annotations

from apps.andon.channels.interface import ChannelKind
from apps.andon.channels.registry import LIGHT
from apps.andon.delivery import deliver_next
from apps.andon.lights import Lights
from apps.andon.models import LIGHTS_TOPIC
from apps.andon.telling import DELIVERY_TOPIC
from apps.core.worker import Task, task

# How many are told at once by each kind: as many threads and connections to the database.
LANES = {
    ChannelKind.BANNER: 1,
    ChannelKind.PUSH: 2,
    ChannelKind.EMAIL: 2,
    ChannelKind.WEBHOOK: 2,
    ChannelKind.SMS: 1,
    ChannelKind.LIGHT: 1,
}
_lights = Lights(LIGHT)


def _deliver_by(kind: ChannelKind, lane: int) -> Task:
    def deliver() -> int:
        return int(deliver_next(kind))

    name = f"andon.deliver.{kind.value}" + (f".{lane}" if lane > 1 else "")
    return task(name, every_seconds=1, topics=[DELIVERY_TOPIC])(deliver)


DELIVER: list[Task] = [_deliver_by(kind, lane) for kind, lanes in LANES.items() for lane in range(1, lanes + 1)]


@task("andon.lights", every_seconds=1, topics=[LIGHTS_TOPIC])
def follow_lights() -> int:
    """0: what changes meanwhile wakes it again."""
    _lights.follow()
    return 0
