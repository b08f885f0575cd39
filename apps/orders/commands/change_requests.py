"""Asking that an item be made otherwise, and the steps of that request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.materials.models import Item
from apps.orders.actions import REQUEST_CHANGE
from apps.orders.events import ChangeRequested
from apps.orders.models import ChangeRequest
from apps.plant.models import Site, WorkCenter
from apps.workflows.engine import fire
from apps.workflows.kinds import Warrant
from apps.workflows.life.choosing import Facts, version_for

KIND = "change_request"


@command("orders.request_change")
def request_change(
    context: Context,
    *,
    site_id: int,
    item_id: int,
    title: FreeText,
    reason: FreeText,
    work_center_id: int | None = None,
) -> int:
    """Answers the id of the request, which begins on the workflow that is for such requests.

    Raises CommandRefused: not_found, other_site, nobody, says_nothing, no_workflow.
    """
    site = Site.objects.filter(pk=site_id).first()
    item = Item.objects.filter(pk=item_id).first()
    line = (
        WorkCenter.objects.select_related("site", "area").filter(pk=work_center_id).first() if work_center_id else None
    )
    if site is None or item is None or (work_center_id and line is None):
        context.refuse("not_found", _("The site, item or line is not there. Choose it from the list."))
    if line is not None and line.site_id != site.pk:
        context.refuse("other_site", _("%(line)s is at another site. Choose a line of this one.") % {"line": line.code})
    context.allow(REQUEST_CHANGE, at=line.scope if line else site.scope)
    if context.actor.person_id is None:
        context.refuse("nobody", _("Sign in first: a change is asked for by somebody."))
    if not title.strip() or not reason.strip():
        context.refuse("says_nothing", _("Say what is to change, and why."))
    facts = Facts(site.code, line.code if line else "", item.code, "", line.pk if line else None)
    request = ChangeRequest.objects.create(
        workflow_version=version_for(KIND, facts, context.now),
        site=site,
        item=item,
        work_center=line,
        title=title.strip(),
        reason=reason.strip(),
        requested_by_id=context.actor.person_id,
        requested_at=context.occurred_at,
    )
    context.record(
        ChangeRequested(
            subject_id=request.pk,
            site_id=site.pk,
            thread=thread_of(request),
            item_id=item.pk,
            work_center_id=line.pk if line else None,
        )
    )
    context.touch(topic_of(request))
    return request.pk


@command("orders.take_change_step")
def take_change_step(context: Context, *, request_id: int, edge: str, inputs: dict[str, Any]) -> str:
    """Moves a request along an edge of its workflow; answers its state."""
    return take(context, request_id, edge, inputs, None)


def take(context: Context, request_id: int, edge: str, inputs: Mapping[str, Any], warrant: Warrant | None) -> str:
    return str(fire(context, ChangeRequest, request_id, edge, inputs, warrant=warrant).item.state)


def thread_of(request: ChangeRequest) -> str:
    return f"{KIND}:{request.pk}"


def topic_of(request: ChangeRequest) -> str:
    return f"change-requests:{request.site_id}"
