"""What a rule may ask of an item that has moved: where it is now; of a version in review: whether it waits still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.models import LedgerEvent
from apps.workflows.events import DraftReturned, ReviewRequested, StateChanged, VersionPublished
from apps.workflows.kinds import KINDS, GuardField, ValueType
from apps.workflows.models import Version, VersionStatus, WorkflowItem
from apps.workflows.surroundings import declare_subject


def _item(subject_id: str, data: Mapping[str, Any], at: datetime) -> WorkflowItem | None:  # noqa: ARG001
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


@dataclass(frozen=True)
class VersionNow:
    """`at`: of the event that a rule asks about; `until`: an instant of the past that is asked about, None: now."""

    version: Version
    at: datetime
    until: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """One that was given back meanwhile waits for another approval, asked for with an event of its own."""
        if self.until is not None:
            return self._waited(self.until)
        if self.version.status != VersionStatus.IN_REVIEW:
            return False
        asked = LedgerEvent.objects.filter(
            kind=ReviewRequested.kind, subject_kind=ReviewRequested.subject_kind, subject_id=str(self.version.pk)
        )
        return not asked.filter(occurred_at__gt=self.at).exists()

    def _waited(self, until: datetime) -> bool:
        ends = [event.kind for event in (ReviewRequested, DraftReturned, VersionPublished)]
        told = LedgerEvent.objects.filter(
            kind__in=ends, subject_kind=ReviewRequested.subject_kind, subject_id=str(self.version.pk)
        )
        return not told.filter(occurred_at__gt=self.at, occurred_at__lte=until).exists()


def _version(subject_id: str, data: Mapping[str, Any], at: datetime) -> VersionNow | None:  # noqa: ARG001
    version = Version.objects.filter(pk=subject_id).first()
    return VersionNow(version, at) if version else None


declare_subject(
    ReviewRequested.subject_kind,
    find=_version,
    then=lambda now, at: replace(now, until=at),
    kept=frozenset({"is_waiting"}),
    fields={
        "is_waiting": GuardField(
            type=ValueType.BOOLEAN, label=_("waits for its approval"), read=lambda now: now.is_waiting
        )
    },
)
