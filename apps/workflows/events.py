from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class OfItem:
    """What happens to items: one event class hears all kinds, the ledger's subject is the item's own kind."""

    item_kind: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject_kind", self.item_kind)


class StateChanged(OfItem, Event, subject="workflow_item", label=_("Step taken")):
    """An item has moved along an edge. Its subject is the item itself: ("job_order", 17).

    guard_inputs  what the guards read      inputs  what was typed or chosen, but for free texts: they may name somebody
    """

    item_kind: str
    edge: str
    from_state: str
    to_state: str
    from_status: str
    to_status: str
    from_phase: str
    to_phase: str
    version_id: int
    guard_inputs: Mapping[str, Any]
    inputs: Mapping[str, Any]


class EdgeSigned(OfItem, Event, subject="workflow_item", label=_("Step signed")):
    """Somebody has signed an edge of an item, which is taken with the last signature. Subject: the item, as of
    StateChanged. `override`: signed was that a broken part of it is passed over.
    """

    item_kind: str
    edge: str
    version_id: int
    step_id: int
    number: int
    needed: int
    record_hash: str
    override: bool


class PhotoTaken(OfItem, Event, subject="workflow_item", label=_("Picture taken")):
    """For a step of an item that is still to come; it goes again when no step uses it. Subject: the item, as of
    StateChanged.
    """

    item_kind: str
    photo_id: int
    sha256: str


class EdgeTakenTogether(OfItem, Event, subject="workflow_item", label=_("Step taken together")):
    """Who took the edge lacks a skill for it; the partner who works together with them holds it."""

    item_kind: str
    edge: str
    version_id: int
    partner_id: int


class EdgeOverridden(OfItem, Event, subject="workflow_item", label=_("Step overridden")):
    """An edge was taken although its check or an effect is broken. `problems`: what is broken, for the engineer."""

    item_kind: str
    edge: str
    version_id: int
    step_id: int
    problems: list[str]


class SignedStepDropped(OfItem, Event, subject="workflow_item", label=_("Signatures withdrawn")):
    """Signatures that were not enough came to nothing: the record is another one, or somebody has withdrawn them."""

    item_kind: str
    edge: str
    version_id: int
    step_id: int


class DraftCreated(Event, subject="workflow_version", label=_("Workflow: draft made")):
    workflow_id: int
    copy_of_id: int | None


class DraftSaved(Event, subject="workflow_version", label=_("Workflow: draft saved")):
    """`what`: the step in words, in the language of who did it; "-" before it when it was undone."""

    checksum: str
    what: str = ""


class ReviewRequested(Event, subject="workflow_version", label=_("Workflow: review asked for")):
    checksum: str


class DraftReturned(Event, subject="workflow_version", label=_("Workflow: returned to draft")):
    pass


class VersionPublished(Event, subject="workflow_version", label=_("Workflow: version published")):
    workflow_id: int
    number: int
    checksum: str
    editor_ids: list[int]


class VersionRetired(Event, subject="workflow_version", label=_("Workflow: version retired")):
    workflow_id: int


class EdgeStopped(Event, subject="workflow", label=_("Step stopped everywhere")):
    edge: str
    stop_id: int


class EdgeResumed(Event, subject="workflow", label=_("Step allowed again")):
    edge: str
    stop_id: int


class ItemMovedToVersion(OfItem, Event, subject="workflow_item", label=_("Item moved to another version")):
    """An item goes on by another version. Its subject is the item itself: ("job_order", 17).

    policy  what the plan of the new version says of the items under way: "safe", "plan"
    """

    item_kind: str
    from_version_id: int
    to_version_id: int
    from_state: str
    to_state: str
    policy: str


class MovesPlanned(Event, subject="workflow_version", label=_("Workflow: plan for the items under way")):
    policy: str


class ItemDecided(Event, subject="workflow_version", label=_("Item under way decided")):
    """After the publication: what becomes of an item of whose state the plan says "decide each"."""

    item_id: int
    to_state: str


class VersionTookEffect(Event, subject="workflow_version", label=_("Workflow: version in force")):
    workflow_id: int


class VersionWidened(Event, subject="workflow_version", label=_("Workflow: version on more lines")):
    workflow_id: int


class MovesEnded(Event, subject="workflow_version", label=_("Workflow: items under way are moved")):
    """The items under way are where the plan wants them, but for those that a rule of their kind keeps."""

    moved: int


class VersionRolledBack(Event, subject="workflow_version", label=_("Workflow: version rolled back")):
    """Its subject is the new version, with the content of `back_to_id`."""

    workflow_id: int
    back_to_id: int


class DraftTried(Event, subject="workflow_version", label=_("Workflow: draft simulated")):
    """On past work, in a simulation. One of `days` and `moves` is 0."""

    run_id: int
    checksum: str
    days: int
    moves: int


declare_words(
    {
        "created": _("created"),
        "days": _("days"),
        "edge": _("step of the workflow"),
        "from_phase": _("phase before"),
        "from_state": _("state before"),
        "from_status": _("status before"),
        "item_kind": _("kind of item"),
        "moved": _("items moved"),
        "moves": _("steps looked at"),
        "needed": _("signatures needed"),
        "number": _("number"),
        "objects": _("objects"),
        "override": _("with an override"),
        "policy": _("what becomes of the items under way"),
        "problems": _("what is broken"),
        "to_phase": _("phase after"),
        "to_state": _("state after"),
        "to_status": _("status after"),
        "what": _("what was done"),
    }
)
