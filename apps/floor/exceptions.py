"""One exception with all that its pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.andon.causes import Hit, hits_of
from apps.andon.models import FloorException, Informed, Remark
from apps.andon.path import Look, looks
from apps.equipment.models import MaintenanceRequest
from apps.workflows.life.seen import buttons_mark

HITS, REMARKS = 3, 20


@dataclass(frozen=True)
class Seen:
    """One exception with all that is said of it.

    watchers  who must know besides the owner      maintenance  the last request for it
    buttons   what those of the exception hang on besides itself
    """

    look: Look
    remarks: Sequence[Remark]
    hits: Sequence[Hit]
    watchers: Sequence[Informed]
    maintenance: MaintenanceRequest | None
    buttons: str

    @property
    def exception(self) -> FloorException:
        return self.look.exception


def seen(exception: FloorException) -> Seen:
    remarks = exception.remarks.select_related("person").order_by("-pk")[:REMARKS]
    return Seen(
        look=looks([exception])[0],
        remarks=list(reversed(remarks)),
        hits=hits_of([exception]).get(exception.pk, [])[:HITS],
        watchers=list(exception.informed.select_related("person").order_by("pk")),
        maintenance=MaintenanceRequest.objects.filter(exception=exception).select_related("cause").first(),
        buttons=buttons_mark(exception),
    )
