from tests.andon.channels.conftest import certificate
from tests.broker import broker

__all__ = ["broker", "certificate"]
