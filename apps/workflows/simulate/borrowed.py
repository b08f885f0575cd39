"""The past of a workflow that has none of its own: that of the items of others, which it would have been for."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.workflows.definition import Definition, WhereSpec
from apps.workflows.kinds import Kind
from apps.workflows.life.choosing import Chooser, Facts, is_for
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.simulate.past import Moved
from apps.workflows.surroundings import surroundings_of


@dataclass(frozen=True)
class Past:
    """
    befores      versions under which items have moved, by id
    beside       the one of them that the draft is laid beside: what such an item starts on today
    is_borrowed  they are of other workflows of the kind
    """

    befores: dict[int, Definition]
    beside: Version | None
    is_borrowed: bool = False


def past_of(version: Version, definition: Definition) -> Past:
    """Of its own workflow; before that has published anything, of all others of the kind."""
    now = clock.now()
    published = Version.objects.filter(published_at__isnull=False).select_related("workflow")
    own = {row.pk: to_definition(row) for row in published.filter(workflow=version.workflow_id)}
    if own:
        in_force = Version.objects.in_force(at=now).filter(workflow=version.workflow_id).first()
        return Past(own, in_force if in_force and in_force.pk != version.pk else None)
    others = {row.pk: to_definition(row) for row in published.filter(workflow__kind=definition.kind)}
    return Past(others, _starts_on(definition), is_borrowed=True)


def _starts_on(definition: Definition) -> Version | None:
    place = definition.applies_to[0] if definition.applies_to else WhereSpec()
    try:
        chosen = Chooser(definition.kind, clock.now()).version_for(Facts(**place.model_dump()))
    except CommandRefused:
        return None
    return Version.objects.select_related("workflow").get(pk=chosen.pk)


class Meant:
    """Of the items of others those that the workflow would have been for, by what they are today; each asked once."""

    def __init__(self, kind: Kind, definition: Definition) -> None:
        self._kind, self._wheres = kind, [where.model_dump() for where in definition.applies_to]
        self._known: dict[str, bool] = {}

    def __contains__(self, move: Moved) -> bool:
        """A few queries for an item that was not asked for yet."""
        if not self._wheres:
            return True
        if move.subject_id not in self._known:
            around = surroundings_of(self._kind.code, move.subject_id, {})
            facts = Facts(around.site, around.line, around.item, around.customer)
            self._known[move.subject_id] = is_for(self._wheres, facts)
        return self._known[move.subject_id]
