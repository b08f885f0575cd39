"""Which acts exist, and the one question "may this actor do it there?"; the answer comes from an app above.

A scope is the set of places that contain the thing acted on, as plain texts ("site:1", "line:7"): whoever holds the
action for any of them may act. The default is no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from django.contrib.sessions.backends.base import SessionBase
from django_stubs_ext import StrOrPromise

from apps.core.actors import Actor

Scope = frozenset[str]
EVERYWHERE: Scope = frozenset({"everywhere"})


@dataclass(frozen=True)
class Action:
    """One right. `label` completes the sentence "You may not ... here".

    desk  needs a sign-in with a password at a desk; a badge and PIN on the floor never give it
    """

    code: str
    label: StrOrPromise
    desk: bool = False


ACTIONS: dict[str, Action] = {}


def declare(code: str, label: StrOrPromise, *, desk: bool = False) -> Action:
    """Called once per action, in an app's `actions.py`; `label` may be lazy."""
    if code in ACTIONS:
        raise ValueError(f"action {code} is declared twice")
    ACTIONS[code] = Action(code, label, desk)
    return ACTIONS[code]


class Authorizer(Protocol):
    """Answers for all people of the plant."""

    def may(self, actor: Actor, action: Action, scope: Scope) -> bool: ...

    def places(self, actor: Actor, action: Action) -> Scope:
        """Every place the actor holds the action for; for filtering rows."""
        ...

    def holders(self, action: Action) -> list[str]:
        """Names of the roles that hold the action, for the sentence of a refusal."""
        ...

    def identify(self, session: SessionBase, cookies: Mapping[str, str]) -> Actor | None:
        """Who speaks through this browser; None for nobody."""
        ...


class _Nobody:
    def may(self, actor: Actor, action: Action, scope: Scope) -> bool:  # noqa: ARG002
        return False

    def places(self, actor: Actor, action: Action) -> Scope:  # noqa: ARG002
        return frozenset()

    def holders(self, action: Action) -> list[str]:  # noqa: ARG002
        return []

    def identify(self, session: SessionBase, cookies: Mapping[str, str]) -> Actor | None:  # noqa: ARG002
        return None


_authorizer: Authorizer = _Nobody()


def use(authorizer: Authorizer) -> None:
    global _authorizer  # noqa: PLW0603
    _authorizer = authorizer


def may(actor: Actor, action: Action, scope: Scope) -> bool:
    """A system agent acts for code that has asked already, unless it is restricted (an API token is)."""
    if actor.restricted_to is not None and action.code not in actor.restricted_to:
        return False
    if actor.only_at is not None and not actor.only_at & scope:
        return False
    return actor.is_system or _authorizer.may(actor, action, scope)


def places(actor: Actor, action: Action) -> Scope:
    if actor.restricted_to is not None and action.code not in actor.restricted_to:
        return frozenset()
    if actor.is_system:
        return EVERYWHERE if actor.only_at is None else actor.only_at
    return _authorizer.places(actor, action)


def holders(action: Action) -> list[str]:
    return _authorizer.holders(action)


def identify(session: SessionBase, cookies: Mapping[str, str]) -> Actor | None:
    return _authorizer.identify(session, cookies)
