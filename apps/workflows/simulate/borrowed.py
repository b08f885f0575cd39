"""The past of a workflow that has none of its own: that of the items of others, which it would have been for."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.workflows.definition import Definition, WhereSpec
from apps.workflows.kinds import Kind
from apps.workflows.life.choosing import Chooser, Facts, is_for
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
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


def items_meant(kind: Kind, definition: Definition, rows: QuerySet[LedgerEvent]) -> frozenset[int] | None:
    """Of the items of the rows those that the workflow would have been for, by what they are today. None: it is for
    all.  A few queries for each item.
    """
    if not definition.applies_to:
        return None
    wheres = [where.model_dump() for where in definition.applies_to]
    found: set[int] = set()
    for subject_id in rows.order_by().values_list("subject_id", flat=True).distinct().iterator():
        around = surroundings_of(kind.code, subject_id, {})
        if is_for(wheres, Facts(around.site, around.line, around.item, around.customer)):
            found.add(int(subject_id))
    return frozenset(found)
