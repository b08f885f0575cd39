"""What is around the target of a shift, for rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.shifts.models import ShiftTarget
from apps.workflows.surroundings import Surroundings, around

_TARGET = Prepared(lambda: ShiftTarget.objects.select_related("site", "work_center").filter(pk=Given("pk")))


@around("shift_target", gives={"site_id", "work_center_id"})
def _shift_target(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    target = _TARGET.first(pk=int(subject_id))
    if target is None:
        return None
    return Surroundings(
        site_id=target.site_id,
        site=target.site.code,
        work_center_id=target.work_center_id,
        line=target.work_center.code,
    )
