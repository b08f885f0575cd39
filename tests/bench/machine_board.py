"""A board of one machine, for the bench of signals: its state and since when, as any screen would have it."""

from __future__ import annotations

from django.apps import AppConfig

APP = "tests.bench.machine_board.MachineBoardConfig"
FRAGMENT = "bench-machine"


class MachineBoardConfig(AppConfig):
    name = "tests.bench"
    label = "bench_machines"

    def ready(self) -> None:
        from apps.core import live
        from apps.equipment.models import MachineNow

        def render(key: str) -> str:
            now = MachineNow.objects.filter(pk=key).first()
            since = round(now.since.timestamp() * 1000) if now and now.since else 0
            return f"{now.state if now else ''} since {since}"

        live.fragment(FRAGMENT, topics=lambda key: [f"machine:{key}"], may_view=lambda _actor, _key: True)(render)
