"""May this workflow be published? Everything found at once, in words, before anything runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from apps.core import clock
from apps.workflows.check.ambiguity import ambiguity
from apps.workflows.check.claims import claims
from apps.workflows.check.consequences import consequences
from apps.workflows.check.edges import edges
from apps.workflows.check.graph import ends, gates, names, ways
from apps.workflows.check.guarding import guarding
from apps.workflows.check.languages import languages
from apps.workflows.check.problems import WORKFLOW, Fault, Part, Problem, Severity, errors_in
from apps.workflows.check.reach_of_items import reach_of_items
from apps.workflows.check.repeating import repeating
from apps.workflows.check.rostered import roster_for, rostered
from apps.workflows.check.signatures import signatures
from apps.workflows.check.states import states
from apps.workflows.check.subject import Subject, Words, words_of_the_plant
from apps.workflows.definition import Definition
from apps.workflows.kinds import KINDS, Kind
from apps.workflows.life.choosing import others_of

__all__ = [
    "CONCERNS",
    "Fault",
    "Part",
    "Problem",
    "Severity",
    "Subject",
    "Words",
    "by_concern",
    "check",
    "errors_in",
    "rostered",
    "words_for",
    "words_of_the_plant",
]

Concern = Callable[[Subject], Iterator[Problem]]
CONCERNS: tuple[Concern, ...] = (
    names,
    ends,
    ways,
    gates,
    states,
    edges,
    guarding,
    consequences,
    signatures,
    rostered,
    repeating,
    ambiguity,
    reach_of_items,
    claims,
    languages,
)


def check(definition: Definition, kind: Kind | None, words: Words | None = None) -> list[Problem]:
    """[] or only warnings: it may be published. The errors first.

    kind   None when no installed app declares it
    words  read from the plant when left out; the roster of the coming week only if something waits for people
    """
    if kind is None:
        known = ", ".join(sorted(KINDS)) or _("none")
        sentence = _("%(kind)s is no known kind of item; known: %(known)s.")
        return [WORKFLOW.error(Fault.UNKNOWN_KIND, sentence % {"kind": definition.kind, "known": known})]
    words = words or words_for(definition, kind)
    found = [problem for problems in by_concern(definition, kind, words).values() for problem in problems]
    return sorted(found, key=lambda problem: not problem.is_error)


def words_for(definition: Definition, kind: Kind) -> Words:
    """All that the plant says to it now."""
    others = others_of(definition.kind, definition.code, clock.now())
    return words_of_the_plant(roster=roster_for(definition, kind), others=others)


def by_concern(definition: Definition, kind: Kind, words: Words) -> dict[Concern, list[Problem]]:
    subject = Subject(definition, kind, words)
    return {concern: list(concern(subject)) for concern in CONCERNS}
