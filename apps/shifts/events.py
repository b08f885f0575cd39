from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class TargetSet(Event, subject="shift_target", label=_("Shift target set")):
    """`old_quantity` None: the first target of the shift. The reason is typed, so it stands with the target only."""

    work_center_id: int
    shift_date: date
    shift_code: str
    version: int
    quantity: Decimal
    old_quantity: Decimal | None


declare_words(
    {
        "old_quantity": _("quantity before"),
        "shift_code": _("shift"),
        "version": _("version"),
    }
)
