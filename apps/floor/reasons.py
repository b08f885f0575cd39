"""Reasons as a sheet offers them: those of one branch of the tree together."""

from __future__ import annotations

from dataclasses import dataclass

from apps.plant.models import Purpose, ReasonCode


@dataclass(frozen=True)
class Branch:
    """`above` None: reasons that are part of no other."""

    above: ReasonCode | None
    reasons: list[ReasonCode]


def branches(purpose: Purpose) -> list[Branch]:
    """What may be chosen, by the reason that each is part of; what is part of none comes last. One query."""
    found: dict[int | None, Branch] = {}
    for reason in ReasonCode.objects.choosable(purpose).select_related("parent").order_by("pk"):
        found.setdefault(reason.parent_id, Branch(reason.parent, [])).reasons.append(reason)
    return sorted(found.values(), key=lambda branch: branch.above is None)
