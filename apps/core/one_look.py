"""One look at the plant: what a page asks again and again while it is put together is read once.

A page is one look (apps.core.middleware), and so is what an act is answered with.  Outside of a look nothing is kept,
and a command never decides by what a page has read before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_seen: ContextVar[dict[Any, Any] | None] = ContextVar("seen", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Within another look it is part of that one."""
    if _seen.get() is not None:
        yield
        return
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


@contextmanager
def looking_anew() -> Iterator[None]:
    """Within a look: nothing that it has read holds, and nothing that is read here stays in it."""
    token = _seen.set(None)
    try:
        yield
    finally:
        _seen.reset(token)


def read_once(read: Callable[P, R]) -> Callable[P, R]:
    """For what is read from the database by hashable inputs; the answer is shared, so nobody may change it."""

    @wraps(read)
    def reader(*args: P.args, **kwargs: P.kwargs) -> R:
        seen = _seen.get()
        if seen is None:
            return read(*args, **kwargs)
        key = (read, args, tuple(sorted(kwargs.items())))
        if key not in seen:
            seen[key] = read(*args, **kwargs)
        found: R = seen[key]
        return found

    return reader
