"""What an exception means to those who must know of it besides its owner: to each role its own lines.

    declare(Concern(code="shortage.purchasing", roles=frozenset({"purchasing"}), cause_kinds=..., lines=...))

The apps above declare them; they are read anew whenever they are shown, so they say what holds now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from apps.andon.cures import Subject, Subjects

if TYPE_CHECKING:
    from apps.andon.models import FloorException

# So many things of one kind are named, the worst first; the others are counted.
MOST = 3


@dataclass(frozen=True)
class Lines:
    """`said`: sentences in the active language, the worst first, times as the site reads them; `left_out`: so many
    are not named.
    """

    said: list[str]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Concern:
    """
    roles        codes of those whom it concerns
    cause_kinds  what it is about; none: any, its lines decide
    lines        by exception, one call for many in a fixed number of queries; none: it does not concern them
    """

    code: str
    roles: frozenset[str]
    lines: Callable[[Subjects], Mapping[Subject, Lines]]
    cause_kinds: frozenset[str] = frozenset()

    def is_for(self, exception: FloorException, role: str) -> bool:
        return role in self.roles and (not self.cause_kinds or exception.cause_kind in self.cause_kinds)


CONCERNS: dict[str, Concern] = {}


def declare(concern: Concern) -> Concern:
    if CONCERNS.setdefault(concern.code, concern) is not concern:
        raise ValueError(f"concern {concern.code} is declared twice")
    return concern


def concerning(informed: Collection[tuple[FloorException, str]]) -> dict[tuple[int, str], list[str]]:
    """`informed`: exceptions with their sites, and the code of a role. The lines, by id and role; only where there are
    any. The number of queries depends on the concerns alone.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for concern in CONCERNS.values():
        mine = [(exception, role) for exception, role in informed if concern.is_for(exception, role)]
        if not mine:
            continue
        lines = concern.lines(Subjects(dict.fromkeys(Subject(exception) for exception, _role in mine)))
        for exception, role in mine:
            if said := lines.get(Subject(exception)):
                found.setdefault((exception.pk, role), []).extend(_with_the_rest(said))
    return found


def _with_the_rest(lines: Lines) -> list[str]:
    if not lines.left_out:
        return lines.said
    return [*lines.said, _("And %(count)s more.") % {"count": lines.left_out}]
