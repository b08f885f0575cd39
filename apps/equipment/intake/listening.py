"""Has each source in use listened to by one thread of one worker, whatever fails and however many workers run."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from django.db import connection

from apps.equipment.intake.mqtt import Listener
from apps.equipment.intake.opcua import Subscriber
from apps.equipment.models import SignalMapping, SignalSource, Transport

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
TRANSPORTS: dict[str, type[Listener | Subscriber]] = {
    Transport.MQTT.value: Listener,
    Transport.OPC_UA.value: Subscriber,
}
# Of the lock that says who listens, beside the number of the source.
LOCKS = 0x516E


@dataclass
class _Ear:
    source: SignalSource
    settings: tuple[object, ...]
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


def listen(stop: threading.Event) -> None:
    """Until `stop`: starts and ends threads as the sources in the database change."""
    ears: dict[int, _Ear] = {}
    try:
        while not stop.is_set():
            _settle(ears)
            stop.wait(LOOK_SECONDS)
    finally:
        for ear in ears.values():
            ear.stop.set()
        for ear in ears.values():
            if ear.thread:
                ear.thread.join()


def _settle(ears: dict[int, _Ear]) -> None:
    sources = SignalSource.objects.filter(active=True, transport__in=TRANSPORTS).select_related("site")
    wanted = {source.pk: _Ear(source, settings_of(source)) for source in sources}
    for pk, ear in list(ears.items()):
        if pk not in wanted or wanted[pk].settings != ear.settings:
            ear.stop.set()
        if ear.thread is None or not ear.thread.is_alive():
            del ears[pk]
    for pk, ear in wanted.items():
        if pk not in ears:
            ears[pk] = ear
            ear.thread = threading.Thread(target=_hear, args=(ear,), name=f"signals {ear.source}")
            ear.thread.start()


def settings_of(source: SignalSource) -> tuple[object, ...]:
    """What makes another connection needed when it changes."""
    own = (source.transport, source.address, tuple(source.topics), source.user, source.password_env)
    if source.transport != Transport.OPC_UA:
        return own
    mappings = SignalMapping.objects.filter(source=source, active=True)
    return *own, frozenset(mappings.values_list("tag", flat=True))


def _hear(ear: _Ear) -> None:
    try:
        # The lock is the connection's: whoever loses the database no longer listens.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, ear.source.pk])
            if not cursor.fetchone()[0]:
                return
        TRANSPORTS[ear.source.transport](ear.source).run(ear.stop)
    except Exception as error:  # noqa: BLE001 - said on the source's page; the next look tries again
        log.warning("signals of %s: %s", ear.source, error)
        _note(ear.source, error)
    finally:
        connection.close()


def _note(source: SignalSource, error: Exception) -> None:
    try:
        connection.close()
        said = f"{type(error).__name__}: {error}"[:400]
        SignalSource.objects.filter(pk=source.pk).update(connected_at=None, last_error=said)
    except Exception:  # noqa: BLE001 - the database is what is lost
        log.warning("and the database is lost as well")
