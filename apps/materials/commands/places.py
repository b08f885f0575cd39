"""What we say of a place, whoever made it."""

from __future__ import annotations

from apps.core.commands import Context, command
from apps.materials.actions import MANAGE_MATERIALS
from apps.materials.commands.rows import found, save_signed
from apps.materials.events import LocationPolicySet
from apps.materials.models import Location


@command("materials.set_location_policy")
def set_location_policy(context: Context, *, location_id: int, may_go_negative: bool) -> bool:
    """Whether anything changed."""
    rows = Location.objects.select_related("site").select_for_update(of=("self",))
    location = found(context, rows, location_id)
    context.allow(MANAGE_MATERIALS, at=location.scope)
    if location.may_go_negative == may_go_negative:
        return False
    location.may_go_negative = may_go_negative
    save_signed(context, location)
    context.record(LocationPolicySet(subject_id=location.pk, site_id=location.site_id, may_go_negative=may_go_negative))
    return True
