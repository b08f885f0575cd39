"""What is written beside the row of an item when it moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from apps.core.commands import Context
from apps.workflows.models import WorkflowItem


@contextmanager
def labelled(item: WorkflowItem, reason: str, context: Context) -> Iterator[None]:
    """What django-simple-history writes beside the row; left in place it would label the next plain save too."""
    labels = {
        "_change_reason": reason,
        "_history_user": SimpleNamespace(pk=context.actor.person_id),
        "_history_date": context.now,
    }
    item.__dict__.update(labels)
    try:
        yield
    finally:
        for name in labels:
            item.__dict__.pop(name, None)
