"""What waits for one person's signature, wherever in the plant it is: begun by somebody else, and theirs to sign."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.actors import Actor
from apps.workflows.exits import Exit, ExitSignature, exits
from apps.workflows.kinds import KINDS, Kind
from apps.workflows.models import SignedStep, WorkflowItem

# Older ones first; who has more to sign than this signs those first.
MOST = 20


@dataclass(frozen=True)
class ToSign:
    """`title` names the item as people do."""

    step: SignedStep
    title: str
    exit: Exit

    @property
    def signature(self) -> ExitSignature:
        assert self.exit.signature is not None  # _to_sign has seen it
        return self.exit.signature


def to_sign(person_id: int) -> list[ToSign]:
    """Some queries for each step that is begun anywhere and not signed by this one: they are few, and soon over."""
    steps = SignedStep.objects.open().exclude(signatures__person_id=person_id).order_by("opened_at")
    found = [_to_sign(step, Actor(person_id=person_id)) for step in steps[:MOST]]
    return [one for one in found if one]


def one_to_sign(pk: int, actor: Actor) -> ToSign | None:
    step = SignedStep.objects.open().filter(pk=pk).first()
    return _to_sign(step, actor) if step else None


def _to_sign(step: SignedStep, actor: Actor) -> ToSign | None:
    kind = KINDS.get(step.item_kind)
    item = _item(kind, step.item_id) if kind and kind.take else None
    if kind is None or item is None:
        return None
    way = next((exit_ for exit_ in exits(item, actor) if exit_.code == step.edge), None)
    if way is None or not way.possible or way.signature is None or not way.signature.signed_by:
        return None
    return ToSign(step, kind.erp_reference(item) or str(item), way)


def _item(kind: Kind, pk: int) -> WorkflowItem | None:
    return kind.model._base_manager.select_related("workflow_version", *kind.reads).filter(pk=pk).first()
