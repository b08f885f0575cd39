from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class WorkOrderReleased(Event, subject="work_order", label=_("Work order released")):
    """`job_order_ids` in the order of the operations."""

    quantity: Decimal
    job_order_ids: list[int]


class WorkOrderChanged(Event, subject="work_order", label=_("Work order changed")):
    """By the ERP, or by a decision on what it wants; `fields` are those that are different now."""

    fields: list[str]


class ChangeReceived(Event, subject="work_order", label=_("Change of a work order received")):
    """The ERP wants something else of an order that has begun: somebody is to decide."""

    change_id: int
    field: str
    old: str
    new: str


class ChangeDecided(Event, subject="work_order", label=_("Change of a work order decided")):
    change_id: int
    field: str
    applied: bool


class QuantityReversed(Event, subject="job_order", label=_("Reported quantity taken back")):
    """`reverses_id` is the confirmation that was undone; quantities are those that it had booked."""

    confirmation_id: int
    reverses_id: int
    work_order_id: int
    work_center_id: int
    good: Decimal
    scrap: Decimal
    reason_id: int


class StopNotFollowed(Event, subject="job_order", label=_("Stop of a machine not followed by its job")):
    """The machine has stopped, or runs again, and its operation did not: `refusal` says why (apps.core.errors)."""

    edge: str
    refusal: str


class StepAdded(Event, subject="job_order", label=_("Step added to a job")):
    """A rule or a step of a workflow has added to the standard work that this operation runs by."""

    step_id: int
    position: int


class BlockerOpened(Event, subject="job_order", label=_("Job blocked")):
    """`from_quantity` pieces can be made in spite of it."""

    blocker_id: int
    blocker: str
    from_quantity: Decimal


class BlockerClosed(Event, subject="job_order", label=_("Job no longer blocked")):
    blocker_id: int
    blocker: str


class QuantityConfirmed(Event, subject="job_order", label=_("Quantity reported")):
    """Quantities in the unit of the work order."""

    confirmation_id: int
    work_order_id: int
    work_center_id: int
    good: Decimal
    scrap: Decimal
    scrap_reason_id: int | None
    booked_by_id: int | None


class StepRecorded(Event, subject="job_order", label=_("Step of a job recorded")):
    """One step done, tried (is_within False) or left out; `piece` None where pieces have no steps of their own."""

    record_id: int
    step_id: int
    work_order_id: int
    work_center_id: int
    occasion: int
    piece: int | None
    value: Decimal | None
    is_within: bool | None
    left_out: bool
    lot_id: int | None


class WorkMasterDrafted(Event, subject="work_master", label=_("Standard work drafted")):
    item_id: int
    number: int
    copy_of_id: int | None


class WorkMasterPublished(Event, subject="work_master", label=_("Standard work published")):
    """`replaced_id`: the one that was in force before, retired with this."""

    item_id: int
    number: int
    replaced_id: int | None


class WorkMasterRetired(Event, subject="work_master", label=_("Standard work retired")):
    item_id: int
    number: int


class JobMoved(Event, subject="job_order", label=_("Job moved to another station")):
    """To another station of its line; None: any of them."""

    old_unit_id: int | None
    new_unit_id: int
    work_center_id: int


class PartialRunDecided(Event, subject="job_order", label=_("Run with missing material decided")):
    """It runs as far as its material goes; the rest waits."""

    blocker_id: int
    to_quantity: Decimal
    quantity: Decimal


class WorkTogetherBegan(Event, subject="job_order", label=_("Two begin to work together")):
    """`person_id` lends a qualification to the operation; `asked_by_id` lacked it."""

    partnership_id: int
    person_id: int
    asked_by_id: int
    work_center_id: int


class WorkTogetherEnded(Event, subject="job_order", label=_("Two no longer work together")):
    """`ended_by` is "person", "job" (it is over) or "absence"."""

    partnership_id: int
    person_id: int
    ended_by: str


class MaterialSubstituted(Event, subject="job_order", label=_("Material replaced by another")):
    item_id: int
    by_item_ids: list[int]
    bom_id: int


class ChangeRequested(Event, subject="change_request", label=_("Change of an item asked for")):
    """`work_center_id` None: wherever it is made at the site."""

    item_id: int
    work_center_id: int | None


declare_words(
    {
        "applied": _("applied"),
        "blocker": _("kind of blocker"),
        "field": _("field"),
        "from_quantity": _("from quantity"),
        "good": _("good"),
        "is_within": _("within the limits"),
        "left_out": _("left out"),
        "new": _("new value"),
        "occasion": _("occasion"),
        "old": _("old value"),
        "piece": _("piece"),
        "position": _("position"),
        "refusal": _("refusal"),
        "scrap": _("scrap"),
        "scrap_reason": _("reason of the scrap"),
        "to_quantity": _("up to quantity"),
        "value": _("value"),
    }
)
