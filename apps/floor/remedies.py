"""What can be done about an exception: what the playbook says first, then whatever else is in place."""

from __future__ import annotations

from dataclasses import dataclass

from apps.andon.cures import CURES, InPlace, Subject, cures_for
from apps.andon.models import FloorException
from apps.andon.playbooks import Suggestion, suggested
from apps.core.actors import Actor


@dataclass(frozen=True)
class Remedies:
    """`others`: cures that the playbook does not name, the possible ones first."""

    exception: FloorException
    suggestions: list[Suggestion]
    others: list[InPlace]

    @property
    def is_empty(self) -> bool:
        return not (self.suggestions or self.others)


def remedies(exception: FloorException, actor: Actor) -> Remedies:
    """For the part of it that is most urgent; all parts stand on the page of the blocked orders."""
    subject = Subject(exception, _most_urgent(exception))
    ways = cures_for([subject], actor)[subject]
    suggestions = suggested(exception, ways)
    named = {suggestion.step.cure for suggestion in suggestions}
    return Remedies(exception, suggestions, [way for way in ways if way.cure.code not in named])


def _most_urgent(exception: FloorException) -> int | None:
    for cure in CURES.values():
        if cure.is_for(exception):
            for part_id in cure.parts(exception):
                if part_id is not None:
                    return part_id
    return None
