"""A bound that holds whatever the other side does: timeouts of sockets begin anew with every byte that drips in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from django.utils import translation

T = TypeVar("T")


class LateError(Exception):
    """The time was over before the work was."""


class _Outcome(Generic[T]):
    value: T
    error: BaseException | None = None


def within(seconds: float, work: Callable[[], T], *, give_up: Callable[[], None]) -> T:
    """The result of `work`, or what it raises.  Raises LateError after so many seconds.

    `work` runs in a thread of its own and must not touch the database; it speaks the
    caller's language. `give_up` cuts what it hangs on, so that the
    thread ends soon; what `work` does after that is lost.
    """
    outcome: _Outcome[T] = _Outcome()
    done = threading.Event()

    language = translation.get_language()

    def run() -> None:
        try:
            with translation.override(language):
                outcome.value = work()
        except BaseException as error:  # noqa: BLE001  # raised again below, in the thread that asked
            outcome.error = error
        finally:
            done.set()

    threading.Thread(target=run, name="telling", daemon=True).start()
    if not done.wait(seconds):
        with contextlib.suppress(Exception):
            give_up()
        raise LateError
    if outcome.error is not None:
        raise outcome.error
    return outcome.value
