"""What is around a posting, for rules: its operation, else its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.erp_sync.models import Posting
from apps.orders.surroundings import AROUND_JOB, JOB_READS, around_job, around_order
from apps.workflows.surroundings import Surroundings, around

_POSTING = Prepared(
    lambda: Posting.objects.select_related(
        "work_order__site", "job_order", *(f"job_order__{name}" for name in JOB_READS)
    ).filter(pk=Given("pk"))
)


@around("posting", gives=AROUND_JOB)
def _posting(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    posting = _POSTING.first(pk=int(subject_id))
    if posting is None:
        return None
    return around_job(posting.job_order) if posting.job_order else around_order(posting.work_order)
