"""What the buttons of an item hang on besides the item itself, for the part of a screen that all see alike."""

from __future__ import annotations

from apps.core.prepared import Given, Prepared
from apps.workflows.models import EdgeStop, WorkflowItem

_STOPS = Prepared(lambda: EdgeStop.objects.in_force().filter(workflow=Given("workflow")).order_by("pk"))


def buttons_mark(item: WorkflowItem) -> str:
    """Another text as soon as the item goes on by another version, or a step is stopped or resumed; one query.

    A screen that shows it, and hears of the topic `workflow:<kind>`, fetches its buttons anew then.
    """
    version = item.workflow_version
    stops = _STOPS(workflow=version.workflow_id)
    return ".".join(str(part) for part in [version.pk, *(stop.pk for stop in stops)])
