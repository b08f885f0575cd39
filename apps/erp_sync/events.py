from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words
from apps.orders.models import WorkOrder


class PostingConfirmed(Event, subject="posting", label=_("Posting confirmed by the ERP")):
    """The ERP has it; `erp_reference` names its documents."""

    posting: str
    event_id: int
    attempts: int


class PostingParked(Event, subject="posting", label=_("Posting refused by the ERP")):
    """The ERP refuses it; the rest of its story waits. `fixable_by` names who can do something about it."""

    posting: str
    event_id: int
    code: str
    fixable_by: str


class PostingRetried(Event, subject="posting", label=_("Posting sent again")):
    posting: str


class PostingSkipped(Event, subject="posting", label=_("Posting skipped")):
    """A person has decided that the ERP does not get it."""

    posting: str
    event_id: int


class ErpConnected(Event, subject="erp_link", label=_("ERP connected")):
    system: str


class ErpPolicySet(Event, subject="erp_link", label=_("Rules for the ERP's changes set")):
    policy: dict[str, Any]


class ErpDisconnected(Event, subject="erp_link", label=_("ERP disconnected")):
    pass


class ErpRead(Event, subject="erp_link", label=_("ERP read")):
    """Records of one kind were taken; `rejected` ones are kept with the reason and tried again."""

    record: str
    created: int
    updated: int
    rejected: int


class EmployeeNamed(Event, subject="erp_employee", label=_("Employee of the ERP named")):
    """Whose time goes to this employee of the ERP; None: nobody's any more."""

    person_id: int | None


class DifferenceAccepted(Event, subject="work_order", label=_("Difference to the ERP accepted")):
    """A person has accepted that the ERP's figures of a finished order differ from ours."""

    differences: list[dict[str, str]]


class OrderDone(Event, subject="work_order", label=_("Order done in the ERP")):
    """All operations of an order of the ERP are over."""


def order_done(order: WorkOrder) -> OrderDone:
    return OrderDone(subject_id=order.pk, **order.story)


declare_words(
    {
        "attempts": _("attempts"),
        "expires_at": _("expires at"),
        "fixable_by": _("who can mend it"),
        "posting": _("kind of posting"),
        "record": _("record"),
        "rejected": _("rejected"),
        "scopes": _("scopes"),
        "system": _("system"),
    }
)
