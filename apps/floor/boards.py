"""What the andon board of a place shows."""

from __future__ import annotations

from dataclasses import dataclass

from apps.andon.causes import sentences
from apps.andon.models import ExceptionStatus, FloorException, Remark
from apps.andon.path import Look
from apps.andon.queries import SHOWN, OfOwner, by_owner, last_said, not_reached
from apps.core import clock
from apps.floor.places import Located, column_of
from apps.plant.duty import phones


@dataclass(frozen=True)
class AndonLook:
    """
    phones       of owners who have a duty with one
    not_reached  ids of those for whom no channel of somebody worked
    resolved     what waits for its cause to be gone
    said         the last word about each, by its id      sentences  what is the matter with each, by its id
    """

    groups: list[OfOwner]
    phones: dict[int, str]
    not_reached: frozenset[int]
    resolved: list[FloorException]
    said: dict[int, Remark]
    sentences: dict[int, str]

    @property
    def open(self) -> int:
        return sum(len(group.looks) for group in self.groups)

    @property
    def unanswered(self) -> int:
        return sum(look.is_loud for group in self.groups for look in group.looks)

    @property
    def over(self) -> int:
        return sum(look.is_over for group in self.groups for look in group.looks)

    @property
    def in_hand(self) -> list[Look]:
        """What somebody has answered: the next shift takes it over with what was said."""
        return [look for group in self.groups for look in group.looks if not look.is_loud]

    @property
    def without_a_word(self) -> int:
        return sum(look.exception.pk not in self.said for look in self.in_hand)


def andon_look(place: Located) -> AndonLook:
    rows = FloorException.objects.filter(**{column_of(place): place.pk})
    groups = by_owner(rows)
    ids = [look.exception.pk for group in groups for look in group.looks]
    resolved = rows.filter(status=ExceptionStatus.RESOLVED).select_related(*SHOWN, "resolution")
    return AndonLook(
        groups=groups,
        phones=phones([group.owner.pk for group in groups], clock.now()),
        not_reached=not_reached(ids),
        resolved=list(resolved.order_by("-resolved_at")[:20]),
        said=last_said(ids),
        sentences=sentences([look.exception for group in groups for look in group.looks]),
    )
