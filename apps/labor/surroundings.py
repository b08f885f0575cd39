"""What is around working time, for rules: its operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.labor.models import TimeEntry
from apps.orders.surroundings import AROUND_JOB, JOB_READS, around_job
from apps.workflows.surroundings import Surroundings, around

_ENTRY = Prepared(
    lambda: TimeEntry.objects.select_related(*(f"job_order__{name}" for name in JOB_READS)).filter(pk=Given("pk"))
)


@around("time_entry", gives=AROUND_JOB)
def _time_entry(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    entry = _ENTRY.first(pk=int(subject_id))
    return around_job(entry.job_order) if entry else None
