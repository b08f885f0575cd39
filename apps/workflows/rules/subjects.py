"""What a rule may ask of an item that has moved: where it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.workflows.events import StateChanged
from apps.workflows.kinds import KINDS, GuardField, ValueType
from apps.workflows.models import WorkflowItem
from apps.workflows.surroundings import declare_subject


def _item(subject_id: str, data: Mapping[str, Any]) -> WorkflowItem | None:
    kind = KINDS.get(str(data.get("item_kind")))
    rows = kind.model._base_manager.all() if kind else None
    return rows.filter(pk=subject_id).first() if rows is not None else None


declare_subject(
    StateChanged.subject_kind,
    find=_item,
    fields={
        "state": GuardField(type=ValueType.TEXT, label=_("state now"), read=lambda item: item.state),
        "status": GuardField(type=ValueType.TEXT, label=_("status now"), read=lambda item: item.status),
    },
)
