"""What a signature is worth: the record it is on, who may give it, and whether there are enough.

Nothing here writes; apps.workflows.signatures does, and fire() asks here before it takes a signed edge.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic_core import to_jsonable_python

from apps.core.actors import Actor
from apps.core.models import LedgerEvent
from apps.workflows import people
from apps.workflows.definition import word
from apps.workflows.events import StateChanged
from apps.workflows.graph import CompiledEdge
from apps.workflows.judgement import can_be_done_by, kept_by, wrong_role
from apps.workflows.kinds import Kind, Refusal
from apps.workflows.models import Signature, SignedStep, WorkflowItem

# Of the item's row these are the workflow's own: a signature names version, edge and move beside the record.
_OWN = frozenset({"state", "status", "workflow_version"})


def record_hash(kind: Kind, item: WorkflowItem, edge: CompiledEdge, inputs: Mapping[str, Any]) -> str:
    """SHA-256 of all that a signer answers for: the item's row, the edge of which version, what was entered."""
    row = {field.attname: field.value_to_string(item) for field in item._meta.concrete_fields if field.name not in _OWN}
    content = {
        "kind": kind.code,
        "row": row,
        "edge": edge.spec.code,
        "version": item.workflow_version.checksum,
        "state": item.state,
        "inputs": to_jsonable_python(dict(inputs)),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def since_event(kind: Kind, item: WorkflowItem) -> int:
    """Ledger id of the move that brought the item to where it is; 0: it began there. One query."""
    moves = LedgerEvent.objects.filter(subject_kind=kind.code, subject_id=str(item.pk), kind=StateChanged.kind)
    found: int | None = moves.aggregate(last=Max("id"))["last"]
    return found or 0


def is_about(step: SignedStep, kind: Kind, item: WorkflowItem, edge: CompiledEdge) -> bool:
    """The record is still the one that was signed: the same place on the way, version, row and inputs."""
    if (step.version_id, step.since_event_id) != (item.workflow_version_id, since_event(kind, item)):
        return False
    as_signed = record_hash(kind, item, edge, step.inputs)
    return all(signature.record_hash == as_signed for signature in step.signatures.all())


def signatures_of(step: SignedStep | None) -> list[Signature]:
    """Of the edge itself: one that passes over what is broken counts for nothing else."""
    return [s for s in step.signatures.all() if s.person_id != step.override_by_id] if step else []


def too_few(edge: CompiledEdge, step: SignedStep | None) -> Refusal | None:
    spec = edge.spec.signature
    if spec is None:
        return None
    signatures = signatures_of(step)
    missing = spec.signers - len({signature.person_id for signature in signatures})
    if missing <= 0:
        return None
    asked = ngettext(
        "“%(step)s” needs a signature: %(meaning)s.", "“%(step)s” needs %(n)s signatures: %(meaning)s.", missing
    ) % {"step": edge.label, "n": missing, "meaning": word(spec.meaning).rstrip(".")}
    given = ", ".join(people.person_name(signature.person_id) for signature in signatures)
    sentence = _("%(asked)s Signed so far: %(names)s.") % {"asked": asked, "names": given} if given else asked
    facts = {"edge": edge.spec.code, "missing": missing, "signed": len(signatures)}
    return Refusal("signature_missing", sentence, can_be_done_by(people.role_names(edge.spec.roles)), facts)


def may_not_sign(kind: Kind, item: WorkflowItem, edge: CompiledEdge, person_id: int) -> Refusal | None:
    """Who has taken or signed one of the edges that bar it. One query where there are such edges."""
    spec = edge.spec.signature
    if spec is None or person_id not in barred(kind, item, spec.not_same_as):
        return None
    steps = ", ".join(f"“{item.graph.edge_label(code)}”" for code in spec.not_same_as)
    sentence = _("You have done or signed %(steps)s, so somebody else signs “%(step)s”.")
    return Refusal(
        "same_person",
        sentence % {"steps": steps, "step": edge.label},
        can_be_done_by(people.role_names(edge.spec.roles)),
        {"edge": edge.spec.code, "not_same_as": spec.not_same_as},
    )


def may_not_withdraw(edge: CompiledEdge, step: SignedStep, actor: Actor, roles: frozenset[str]) -> Refusal | None:
    """Whoever has not signed it, nor holds one of the roles of the edge. No query where signatures are prefetched."""
    if any(signature.person_id == actor.person_id for signature in step.signatures.all()):
        return None
    return wrong_role(edge, roles)


def barred(kind: Kind, item: WorkflowItem, edges: Sequence[str]) -> frozenset[int]:
    """Ids of the people who have taken or signed one of these edges of this item. Two queries, none without edges."""
    if not edges:
        return frozenset()
    taken = LedgerEvent.objects.filter(
        kind=StateChanged.kind, subject_kind=kind.code, subject_id=str(item.pk), data__edge__in=list(edges)
    ).values_list("actor_id", flat=True)
    signed = Signature.objects.filter(
        step__item_kind=kind.code, step__item_id=item.pk, step__edge__in=list(edges), step__taken_event_id__isnull=False
    ).values_list("person_id", flat=True)
    return frozenset(person_id for person_id in (*taken, *signed) if person_id is not None)


def too_often(kind: Kind, item: WorkflowItem, edge: CompiledEdge) -> Refusal | None:
    """The limit of the edge is reached for this item. One query where there is a limit."""
    most = edge.spec.at_most
    if most is None:
        return None
    taken = LedgerEvent.objects.filter(
        kind=StateChanged.kind, subject_kind=kind.code, subject_id=str(item.pk), data__edge=edge.spec.code
    ).count()
    if taken < most:
        return None
    sentence = ngettext(
        "“%(step)s” was done %(n)s time; more often it is not allowed. Choose another way.",
        "“%(step)s” was done %(n)s times; more often it is not allowed. Choose another way.",
        taken,
    )
    facts = {"edge": edge.spec.code, "at_most": most}
    return Refusal("too_often", sentence % {"step": edge.label, "n": taken}, kept_by(), facts)


def being_signed(kind: Kind, item: WorkflowItem, edges: Collection[CompiledEdge]) -> dict[str, SignedStep]:
    """Edge code -> its open step, of those edges that are signed, and only if it is about the item as it is."""
    signed = {edge.spec.code: edge for edge in edges if edge.spec.signature}
    steps = open_steps(kind, item, signed)
    return {code: step for code, step in steps.items() if is_about(step, kind, item, signed[code])}


def open_steps(kind: Kind, item: WorkflowItem, edges: Collection[str]) -> dict[str, SignedStep]:
    """Edge code -> its open step, which may be about the item as it was. Two queries where there are edges."""
    if not edges:
        return {}
    rows = SignedStep.objects.open().filter(item_kind=kind.code, item_id=item.pk, edge__in=list(edges))
    return {step.edge: step for step in rows.prefetch_related("signatures")}
