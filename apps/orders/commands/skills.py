"""Somebody can't go on with an operation for want of a qualification, and calls who can."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.andon.models import FloorException
from apps.core.commands import Context, command
from apps.orders.actions import RUN_JOB
from apps.orders.causes.skills import raise_it
from apps.orders.models import JobOrder
from apps.orders.qualified import call, edge_of, qualified_for
from apps.workflows.people import missing_skills, skill_names


@dataclass(frozen=True, kw_only=True)
class Called:
    """`person_id`: who knows of it, is qualified and on duty; None: nobody is, so the owner has to find somebody."""

    exception_id: int
    person_id: int | None


@command("orders.call_for_skill")
def call_for_skill(context: Context, *, job_order_id: int, edge: str) -> Called:
    """Somebody qualified is needed to take this edge of the operation. A second call joins the first.

    Raises CommandRefused: not_found, not_needed, qualified (whoever calls is), and for who may not.
    """
    rows = JobOrder.objects.select_for_update(of=("self",), no_key=True)
    job = rows.select_related("work_order", "workflow_version", "work_center__site").filter(pk=job_order_id).first()
    if job is None:
        context.refuse("not_found", _("This operation does not exist any more. Reload the screen."))
    context.allow(RUN_JOB, at=job.scope)
    found = edge_of(job, edge)
    if found is None:
        context.refuse("not_needed", _("No qualification is needed for this any more. Reload the screen."))
    lacking = missing_skills(context.actor, found.spec.skills, context.now)
    if not lacking:
        context.refuse("qualified", _("You are qualified for this yourself."))
    qualified = qualified_for(job, found, context.now)
    exception_id = raise_it(context, job, found, skill_names(found.spec.skills), lacking)
    exception = FloorException.objects.get(pk=exception_id)
    known = {exception.owner_id, *exception.informed.values_list("person", flat=True)}
    person_id = next((one for one in qualified.here if one in known), next(iter(qualified.here), None))
    if person_id is not None and person_id not in known:
        call(context, exception, person_id)
    context.touch(*job.topics)
    return Called(exception_id=exception_id, person_id=person_id)
