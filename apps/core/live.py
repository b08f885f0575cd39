"""What screens show live: fragments, the topics they depend on, and the word that a topic has changed.

A fragment is a piece of a screen that is the same for everybody who may see it in one language: nothing of one person
is in it (buttons by right, CSRF, names of the signed-in). Its address is "kind:key", say "line-board:7".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.core.actors import Actor

CHANNEL = "mfgos_live"

# The topic that says rights have changed: every open screen asks again whether it may be open.
ACCESS = "access"

# Topics are "kind:id" or a bare word: "line:7", "access".
MAX_TOPIC_LENGTH = 200


# Sent at commit, once per topic, and not at all after a rollback. Takes the parameters of `words`.
ANNOUNCE = "SELECT pg_notify(%s, topic) FROM unnest(%s::text[]) AS topic"


def words(topics: Collection[str]) -> list[Any]:
    """The parameters of ANNOUNCE.

    Only the topic travels: a row per topic would serialise the commands, and a long payload breaks the transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("topics are announced inside the transaction that changes them")
    if any(len(topic) > MAX_TOPIC_LENGTH for topic in topics):
        raise ValueError("a topic is a short name")
    return [CHANNEL, sorted(topics)]


def announce(topics: Collection[str]) -> None:
    """What a command does for the topics it has touched; for changes that no command makes."""
    if topics:
        with connection.cursor() as cursor:
            cursor.execute(ANNOUNCE, words(topics))


RenderAll = Callable[[Collection[str]], Mapping[str, str]]


@dataclass(frozen=True)
class FragmentKind:
    """`render(key)` gives the HTML in the active language; `topics(key)` what it depends on.

    render_all    the HTML by key of several that change together, for one of which a whole plant shows one each
    tick_seconds  re-render this often without a change as well, for what depends on the time; 0: never
    rest_seconds  not rendered again sooner, for what hears of far more changes than it shows; 0: as soon as all are
    """

    name: str
    topics: Callable[[str], Collection[str]]
    render: Callable[[str], str]
    may_view: Callable[[Actor, str], bool]
    tick_seconds: float = 0
    rest_seconds: float = 0
    render_all: RenderAll | None = None

    def address(self, key: object) -> str:
        return f"{self.name}:{key}"


FRAGMENTS: dict[str, FragmentKind] = {}


def fragment(
    name: str,
    *,
    topics: Callable[[str], Collection[str]],
    may_view: Callable[[Actor, str], bool],
    tick_seconds: float = 0,
    rest_seconds: float = 0,
    render_all: RenderAll | None = None,
) -> Callable[[Callable[[str], str]], FragmentKind]:
    """Declares a fragment in an app's `fragments.py`; the function below it renders."""

    def register(render: Callable[[str], str]) -> FragmentKind:
        made = FragmentKind(name, topics, render, may_view, tick_seconds, rest_seconds, render_all)
        if FRAGMENTS.setdefault(name, made) is not made:
            raise ValueError(f"fragment {name} is declared twice")
        return made

    return register


def find(address: str) -> tuple[FragmentKind, str]:
    """The kind and key behind an address.  Raises LookupError for an unknown one."""
    name, separator, key = address.partition(":")
    if not separator or not key or name not in FRAGMENTS:
        raise LookupError(f"no fragment {address!r}")
    return FRAGMENTS[name], key
