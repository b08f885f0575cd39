"""Exceptions of one cause under one that is paged for all of them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER
from apps.andon.events import ExceptionsMerged, ExceptionSplit
from apps.andon.planning import restart_ladder, save_with_plan
from apps.andon.rows import Standing, locked, standing, still_open
from apps.core.commands import Context, command


@command("andon.merge")
def merge(context: Context, *, exception_id: int, into_id: int) -> Standing:
    """It follows `into_id` from now on: nobody is paged for it any more.

    Raises CommandRefused: not_found, closed, itself, a_child (the other follows one itself), a_parent, other_site.
    """
    first, second = sorted((exception_id, into_id))
    rows = {row.pk: row for row in (locked(context, first), locked(context, second))}
    exception, parent = rows[exception_id], rows[into_id]
    context.allow(ANSWER, at=exception.scope & parent.scope or exception.scope)
    still_open(context, exception)
    still_open(context, parent)
    if exception.pk == parent.pk:
        context.refuse("itself", _("An exception is not part of itself."))
    if exception.site_id != parent.site_id:
        context.refuse("other_site", _("They are of different sites."))
    if parent.parent_id is not None:
        context.refuse("a_child", _("That one is part of another already. Choose the one above it."))
    if exception.children.exists():
        context.refuse("a_parent", _("Others are part of this one. Merge the other way round."))
    exception.parent = parent
    save_with_plan(context, exception)
    context.touch(*parent.topics)
    context.record(
        ExceptionsMerged(
            subject_id=exception.pk,
            **exception.story,
            into_id=parent.pk,
            owner_id=exception.owner_id,
        )
    )
    return standing(exception)


@command("andon.split")
def split(context: Context, *, exception_id: int) -> Standing:
    """It stands alone again: its own ladder begins anew.  Raises CommandRefused: not_found, closed, no_child."""
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    if exception.parent_id is None:
        context.refuse("no_child", _("This exception is part of no other."))
    from_id, exception.parent = exception.parent_id, None
    restart_ladder(exception, context.now)
    save_with_plan(context, exception)
    context.record(
        ExceptionSplit(
            subject_id=exception.pk,
            **exception.story,
            from_id=from_id,
            owner_id=exception.owner_id,
        )
    )
    return standing(exception)
