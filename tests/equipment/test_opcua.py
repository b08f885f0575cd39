"""Signals by subscription from a real OPC UA server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from asyncua import Server, ua

from apps.equipment.intake import listening
from apps.equipment.models import SignalSource
from tests.broker import free_port
from tests.equipment.machines import intervals, make_machine
from tests.equipment.sources import STATES, counted, make_mapping, make_source
from tests.world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)


class Plc:
    """A machine's own server, with a state and a counter of pieces since the last look."""

    def __init__(self) -> None:
        self.address = f"opc.tcp://127.0.0.1:{free_port()}/plc"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    async def _run(self) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(self.address)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = await server.register_namespace("urn:tests")
        plc = await server.nodes.objects.add_object(space, "press")
        self.state = await plc.add_variable(f"ns={space};s=press.state", "state", 1)
        self.good = await plc.add_variable(f"ns={space};s=press.good", "good", 0)
        async with server:
            self._ready.set()
            await self._stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def write(self, node: str, value: int) -> None:
        target = getattr(self, node)
        asyncio.run_coroutine_threadsafe(target.write_value(value), self._loop).result(10)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)


@pytest.fixture
def plc() -> Iterator[Plc]:
    made = Plc()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def world() -> World:
    made = make_world()
    make_machine(made.station, silence_seconds=None)
    return made


@pytest.fixture
def source(plc: Plc, world: World) -> SignalSource:
    made = make_source(world.site, "plc", "opc_ua", address=plc.address)
    make_mapping(made, world.station, "ns=2;s=press.state", choices=STATES)
    make_mapping(made, world.station, "ns=2;s=press.good", "count", counter="good")
    return made


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)


def test_a_change_of_a_node_is_a_state_with_the_servers_own_time(plc: Plc, source: SignalSource, world: World) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=listening.listen, args=(stop,))
    thread.start()
    try:
        until(lambda: [state for state, _s, _e in intervals(world.station)] == ["producing"])
        plc.write("state", 3)
        until(lambda: [state for state, _s, _e in intervals(world.station)] == ["producing", "fault"])
        plc.write("good", 4)
        until(lambda: counted(world.station) == 4)
        source.refresh_from_db()
        assert source.connected_at is not None
        plc.stop()
        until(lambda: SignalSource.objects.get().last_error != "", 30)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
