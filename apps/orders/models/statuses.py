"""The dispatch statuses of an operation: ISA-95 / B2MML words, fixed in code."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DispatchStatus(models.TextChoices):
    """Held: somebody else must decide. Suspended: paused by the operator or by a stop."""

    PENDING = "pending", _("Pending")
    WAITING = "waiting", _("Waiting")
    READY = "ready", _("Ready")
    DISPATCHED = "dispatched", _("Dispatched")
    RUNNING = "running", _("Running")
    HELD = "held", _("Held")
    SUSPENDED = "suspended", _("Paused")
    COMPLETED = "completed", _("Completed")
    ABORTED = "aborted", _("Aborted")
    CANCELLED = "cancelled", _("Cancelled")
    CLOSED = "closed", _("Closed")


S = DispatchStatus

# Not yet begun, in the hands of an operator, and over.
OPEN = frozenset({S.PENDING, S.WAITING, S.READY, S.DISPATCHED})
BEGUN = frozenset({S.RUNNING, S.SUSPENDED, S.HELD})
OVER = frozenset({S.COMPLETED, S.ABORTED, S.CANCELLED, S.CLOSED})

# A held operation never runs on at once: it comes back ready or paused, and a person starts it.
# What is no count point is completed by the next operation, from wherever it stands; see apps.orders.kinds.
MOVES: dict[str, frozenset[str]] = {
    S.PENDING: frozenset({S.WAITING, S.READY, S.HELD, S.CANCELLED}),
    S.WAITING: frozenset({S.READY, S.HELD, S.COMPLETED, S.CANCELLED}),
    S.READY: frozenset({S.WAITING, S.DISPATCHED, S.RUNNING, S.HELD, S.COMPLETED, S.CANCELLED}),
    S.DISPATCHED: frozenset({S.READY, S.RUNNING, S.HELD, S.CANCELLED}),
    S.RUNNING: frozenset({S.SUSPENDED, S.HELD, S.COMPLETED, S.ABORTED}),
    S.HELD: frozenset({S.WAITING, S.READY, S.SUSPENDED, S.ABORTED, S.CANCELLED}),
    S.SUSPENDED: frozenset({S.RUNNING, S.HELD, S.COMPLETED, S.ABORTED}),
    S.COMPLETED: frozenset({S.SUSPENDED, S.CLOSED}),
    S.ABORTED: frozenset({S.CLOSED}),
}
