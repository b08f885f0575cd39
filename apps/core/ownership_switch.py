"""Hands a field over: the explicit switch when an ERP begins, or ceases, to send it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.actions import SWITCH_OWNERSHIP
from apps.core.commands import Context, command
from apps.core.events import Event, declare_words
from apps.core.models import FieldOwnership
from apps.core.ownership import OWNERSHIP
from apps.core.rights import EVERYWHERE


class OwnershipSwitched(Event, subject="field", label=gettext_lazy("Another system owns a field")):
    """`subject_id` is "materials.Item.shelf_life_days"; without a site for all that have no switch of their own."""

    owner: str
    before: str


declare_words({"owner": gettext_lazy("owner"), "before": gettext_lazy("owner before")})


@command("core.switch_ownership")
def switch_ownership(context: Context, *, model: str, field: str, owner: str, site_id: int | None = None) -> bool:
    """Whether anything changed. `model` as "materials.Item", `owner` "erp" or "mfgos".

    Refused: not_switchable for what no model declares.
    """
    context.allow(SWITCH_OWNERSHIP, at=EVERYWHERE)
    declared = OWNERSHIP.get(model)
    if declared is None or field not in declared.switchable or owner not in FieldOwnership.Owner.values:
        context.refuse(
            "not_switchable", _("%(field)s can't be handed over.") % {"field": f"{model}.{field}"}, model=model
        )
    row = FieldOwnership.objects.select_for_update().filter(model=model, field=field, site_id=site_id).first()
    before = row.owner if row else ("erp" if field in declared.fields else "mfgos")
    if row is not None and before == owner:
        return False
    FieldOwnership.objects.update_or_create(model=model, field=field, site_id=site_id, defaults={"owner": owner})
    context.record(OwnershipSwitched(subject_id=f"{model}.{field}", site_id=site_id, owner=owner, before=before))
    return True
