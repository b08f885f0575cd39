"""The floor banner: the screens of the place are told, over a real listener."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction

from apps.andon.channels.banner import Banner
from apps.andon.channels.interface import Address, ChannelKind
from apps.core.live import CHANNEL
from tests.andon.channels.servers import message


@pytest.mark.django_db(transaction=True)
def test_the_screens_of_the_line_hear_of_it() -> None:
    address = Address(kind=ChannelKind.BANNER, topic="line:7")
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor, "context": None}
    with psycopg.connect(
        **{name: parameters[name] for name in ("host", "port", "user", "dbname", "password") if parameters.get(name)},
        autocommit=True,
    ) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        Banner().send(message(), address, 1)
        assert [heard.payload for heard in listener.notifies(timeout=5, stop_after=1)] == ["line:7"]
        with pytest.raises(RuntimeError, match="undone"), transaction.atomic():
            Banner().send(message(), address, 1)
            raise RuntimeError("undone")
        assert list(listener.notifies(timeout=0.3)) == []
