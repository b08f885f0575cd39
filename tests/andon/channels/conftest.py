from __future__ import annotations

from tests.broker import broker

__all__ = ["broker"]
