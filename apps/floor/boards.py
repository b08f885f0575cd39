"""What the andon board of a place shows."""

from __future__ import annotations

from dataclasses import dataclass

from apps.andon.models import ExceptionStatus, FloorException
from apps.andon.queries import SHOWN, OfOwner, by_owner, not_reached
from apps.core import clock
from apps.floor.places import Located
from apps.plant.duty import phones
from apps.plant.models import Area, Site, WorkCenter


@dataclass(frozen=True)
class AndonLook:
    """
    phones       of owners who have a duty with one
    not_reached  ids of those for whom no channel of somebody worked
    resolved     what waits for its cause to be gone
    """

    groups: list[OfOwner]
    phones: dict[int, str]
    not_reached: frozenset[int]
    resolved: list[FloorException]

    @property
    def open(self) -> int:
        return sum(len(group.looks) for group in self.groups)

    @property
    def unanswered(self) -> int:
        return sum(look.is_loud for group in self.groups for look in group.looks)

    @property
    def over(self) -> int:
        return sum(look.is_over for group in self.groups for look in group.looks)


def andon_look(place: Located) -> AndonLook:
    rows = FloorException.objects.filter(**{_COLUMN[type(place)]: place.pk})
    groups = by_owner(rows)
    ids = [look.exception.pk for group in groups for look in group.looks]
    resolved = rows.filter(status=ExceptionStatus.RESOLVED).select_related(*SHOWN, "resolution")
    return AndonLook(
        groups=groups,
        phones=phones([group.owner.pk for group in groups], clock.now()),
        not_reached=not_reached(ids),
        resolved=list(resolved.order_by("-resolved_at")[:20]),
    )


_COLUMN: dict[type, str] = {Site: "site", Area: "area", WorkCenter: "work_center"}
