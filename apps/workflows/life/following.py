"""An item that comes into a safe state goes over to the version that new items start on, if that one says so."""

from __future__ import annotations

from apps.core.commands import Context
from apps.core.prepared import Given, Prepared
from apps.workflows.graph import graph
from apps.workflows.kinds import Kind
from apps.workflows.life.moving import Passage, Step, take_over
from apps.workflows.models import Course, MoveLine, Policy, Version, VersionStatus, WorkflowItem

_LINES = Prepared(
    lambda: (
        MoveLine.objects.filter(
            from_version=Given("from_version"),
            from_state=Given("from_state"),
            course=Course.MOVE,
            version__status=VersionStatus.PUBLISHED,
            version__move_plan__policy=Policy.SAFE,
        )
        .select_related("version", "version__rollout")
        .order_by("-version__number")
    )
)


def follow(context: Context, kind: Kind, item: WorkflowItem) -> None:
    """To be called by fire() with the item as it is now, locked; one query where the state is safe, none elsewhere."""
    here = item.graph.states[item.state]
    if not here.is_safe or item.status in kind.final_statuses:
        return
    for line in _LINES(from_version=item.workflow_version_id, from_state=item.state):
        version = line.version
        line_id = getattr(item, f"{kind.line}_id") if kind.line else None
        if not version.has_begun(context.now) or not version.rollout.holds_on(line_id):
            continue
        if not is_superseded(version, context) and _is_as_read(item):
            step = Step(item, item.workflow_version_id, here, graph(version).states[line.to_state])
            take_over(Passage(context, kind, version, Policy.SAFE), [step])
        return


def _is_as_read(item: WorkflowItem) -> bool:
    """Who heard of the move may have fired the item on; that move has followed already."""
    rows = type(item)._base_manager.filter(pk=item.pk, workflow_version=item.workflow_version_id, state=item.state)
    return rows.exists()


def is_superseded(version: Version, context: Context) -> bool:
    """New items start on a newer one everywhere, so nothing goes over to this one any more."""
    newer = Version.objects.in_force(at=context.now).filter(workflow=version.workflow_id, number__gt=version.number)
    return newer.exists()
