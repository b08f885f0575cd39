"""Somebody is called because an approval is late."""

from __future__ import annotations

from apps.andon.actions import ANSWER
from apps.andon.approvals import cause_of, site_of
from apps.andon.raising import raise_exception
from apps.core.commands import Context, command
from apps.workflows.models import Version, VersionStatus


@command("andon.call_for_approval")
def call_for_approval(context: Context, *, version_id: int) -> bool:
    """Whether somebody is called: the version of a workflow still waits for its approval."""
    version = Version.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=version_id)
    context.allow(ANSWER, at=site_of(version).scope)
    if version.status != VersionStatus.IN_REVIEW:
        return False
    raise_exception(context, cause_of(version))
    return True
