"""What can be done about a cause, from where it is shown. The app that owns the cause declares it.

    declare(Cure(code="retry", cause_kinds=frozenset({"posting"}), label=_("try again"), permission=POST, ...))

Nothing here closes an exception: a cure changes the world, and the cause that is gone closes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from apps.core import rights
from apps.core.actors import Actor
from apps.core.rights import EVERYWHERE, Action, Scope

if TYPE_CHECKING:
    from apps.andon.models import FloorException
    from apps.core.commands import Context

T = TypeVar("T")
# Ids and plain values, as they go through a form and into the ledger.
Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """An exception, or one of the things that hang on it: `part_id` by the app of the cause, say a blocker's."""

    exception: FloorException
    part_id: int | None = None


Known = Mapping[Callable[["Subjects"], Any], Any]


class Subjects(list[Subject]):
    """All that is asked about at once; what several cures read of them is read once."""

    def __init__(self, subjects: Iterable[Subject], known: Known | None = None) -> None:
        """`known`: what the caller has read already, by who would read it."""
        super().__init__(subjects)
        self._found: dict[Callable[[Subjects], Any], Any] = dict(known or {})

    def once(self, read: Callable[[Subjects], T]) -> T:
        if read not in self._found:
            self._found[read] = read(self)
        found: T = self._found[read]
        return found


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One way in which a cure can be applied now.

    inputs   what tells this way from the others      cost  what it does to others, said before it is pressed
    why_not  "" when it is possible now, else a sentence that says what would have to be
    """

    label: str
    inputs: Inputs = field(default_factory=dict)
    cost: str = ""
    why_not: str = ""


Offers = Mapping[Subject, list[Offer]]


def _the_whole(exception: FloorException) -> list[int | None]:  # noqa: ARG001
    return [None]


def _scopes_of_exceptions(subjects: Subjects) -> Mapping[Subject, Scope]:
    return {subject: subject.exception.scope for subject in subjects}


def _nothing(context: Context, subject: Subject, inputs: Inputs) -> None:
    """What it works on is locked by the commands that it runs."""


@dataclass(frozen=True, kw_only=True)
class Cure:
    """
    cause_kinds   what it is for; none: any, its offers decide
    offers        the ways for each subject, one call for many in a fixed number of queries; none: it is not for it
    scopes        where the right is asked for, by subject
    parts         what it can be tried on where nobody has pointed at one, the most urgent first
    lock          locks what offers look at, before the exception: those who raise one hold theirs already
    run           does it, by commands that ask for the right at what they change      asks_reason  a person says why
    needs_person  never done by a playbook alone: somebody signs for it
    """

    code: str
    label: StrOrPromise
    permission: Action
    offers: Callable[[Subjects], Offers]
    run: Callable[[Context, Subject, Inputs, str], None]
    lock: Callable[[Context, Subject, Inputs], None] = _nothing
    cause_kinds: frozenset[str] = frozenset()
    scopes: Callable[[Subjects], Mapping[Subject, Scope]] = _scopes_of_exceptions
    parts: Callable[[FloorException], Sequence[int | None]] = _the_whole
    asks_reason: bool = False
    needs_person: bool = False

    def is_for(self, exception: FloorException) -> bool:
        return not self.cause_kinds or exception.cause_kind in self.cause_kinds

    def scope(self, subject: Subject) -> Scope:
        return self.scopes(Subjects([subject]))[subject]

    def offer(self, subject: Subject, inputs: Inputs) -> Offer | None:
        """The way that these inputs name, as it is now."""
        offers = self.offers(Subjects([subject])).get(subject, [])
        return next((offer for offer in offers if dict(offer.inputs) == dict(inputs)), None)


CURES: dict[str, Cure] = {}


def declare(cure: Cure) -> Cure:
    if CURES.setdefault(cure.code, cure) is not cure:
        raise ValueError(f"cure {cure.code} is declared twice")
    return cure


@dataclass(frozen=True)
class InPlace:
    """A cure as somebody sees it; `refusal`: why this person may not, "" for who may."""

    cure: Cure
    subject: Subject
    offer: Offer
    refusal: str

    @property
    def why_not(self) -> str:
        return self.offer.why_not or self.refusal

    @property
    def inputs_text(self) -> str:
        """For the form that sends them back."""
        return json.dumps(dict(self.offer.inputs))

    @property
    def is_possible(self) -> bool:
        return not self.why_not


def cures_for(subjects: Collection[Subject], actor: Actor, known: Known | None = None) -> dict[Subject, list[InPlace]]:
    """Those in place for each, the possible ones first. The number of queries depends on the cures alone."""
    found: dict[Subject, list[InPlace]] = {subject: [] for subject in subjects}
    for cure, mine, ways in _offered(subjects, known):
        scopes, places = cure.scopes(mine), rights.places(actor, cure.permission)
        refusal = ""
        for subject, offer in ways:
            may = bool(EVERYWHERE & places or scopes[subject] & places)
            refusal = refusal or ("" if may else _who_may(cure.permission))
            found[subject].append(InPlace(cure, subject, offer, "" if may else refusal))
    return {subject: sorted(cures, key=lambda cure: not cure.is_possible) for subject, cures in found.items()}


def possible_now(subjects: Collection[Subject]) -> dict[Subject, list[Offer]]:
    """The ways that are possible now, whoever may go them. The number of queries depends on the cures alone."""
    found: dict[Subject, list[Offer]] = {subject: [] for subject in subjects}
    for _cure, _mine, ways in _offered(subjects):
        for subject, offer in ways:
            if not offer.why_not:
                found[subject].append(offer)
    return found


def _offered(
    subjects: Collection[Subject], known: Known | None = None
) -> Iterator[tuple[Cure, Subjects, list[tuple[Subject, Offer]]]]:
    """Each cure that has ways for any of them, with all that it is for; cures for the same causes read together."""
    groups: dict[frozenset[str], Subjects] = {}
    for cure in CURES.values():
        mine = groups.setdefault(cure.cause_kinds, Subjects((s for s in subjects if cure.is_for(s.exception)), known))
        offers = cure.offers(mine) if mine else {}
        ways = [(subject, offer) for subject, several in offers.items() for offer in several]
        if ways:
            yield cure, mine, ways


def _who_may(action: Action) -> str:
    holders = rights.holders(action)
    if not holders:
        return _("You may not %(act)s here.") % {"act": action.label}
    return _("It can be done by: %(roles)s.") % {"roles": ", ".join(holders)}
