"""A disposable real Tryton for tests: its own venv, its own process, reached over HTTP only.

Tryton is GPL-3.0-or-later. Nothing of it is imported here; the packages live in a cache outside the checkout.
"""

from tests.tryton.packages import TrytonUnavailable
from tests.tryton.server import Tryton

__all__ = ["Tryton", "TrytonUnavailable"]
