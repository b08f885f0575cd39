"""Postings of the connectors' interface as JSON and back; what is not known when they are written, filled in later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from django.utils.translation import gettext as _
from pydantic import TypeAdapter

from apps.erp_sync.connectors import interface
from apps.erp_sync.models import ErpEmployee, Posting, PostingKind, PostingState
from apps.erp_sync.policy import policy_of

ADAPTERS: dict[str, TypeAdapter[Any]] = {
    PostingKind.START: TypeAdapter(interface.OrderStatePosting),
    PostingKind.FINISH: TypeAdapter(interface.OrderStatePosting),
    PostingKind.CYCLE: TypeAdapter(interface.CyclePosting),
    PostingKind.MOVE: TypeAdapter(interface.MovePosting),
    PostingKind.LABOR: TypeAdapter(interface.LaborPosting),
    PostingKind.LOT: TypeAdapter(interface.LotPosting),
    PostingKind.NOTE: TypeAdapter(interface.NotePosting),
}


class Unmapped(Exception):
    """Something of ours that the ERP does not know is named in the posting."""


class NotYet(Exception):
    """What this posting refers to has not reached the ERP yet."""


class Obsolete(Exception):
    """What this posting would undo has never reached the ERP, and never will."""


def dump(kind: str, content: interface.Posting) -> dict[str, Any]:
    return dict(ADAPTERS[kind].dump_python(content, mode="json"))


def load(posting: Posting) -> interface.Posting:
    """As it was written."""
    content: interface.Posting = ADAPTERS[posting.kind].validate_python(posting.payload)
    return content


def complete(posting: Posting) -> interface.Posting:
    """As it can be sent now.  Raises Unmapped, NotYet or Obsolete."""
    content = load(posting)
    if isinstance(content, interface.MovePosting):
        return _complete_move(posting, content)
    if isinstance(content, interface.LaborPosting):
        return _complete_labor(posting, content)
    return content


def ref(system: str, erp_key: str) -> interface.ErpRef:
    """Keys are "type,id"; of an empty key the reference is empty as well."""
    kind, _, key = erp_key.partition(",")
    return interface.ErpRef(system, kind, key)


def key_of(ref: interface.ErpRef | None) -> str:
    """The other way; "" where there is none."""
    return f"{ref.type},{ref.id}" if ref else ""


def refs_as_json(refs: Iterable[interface.ErpRef]) -> list[dict[str, str]]:
    return [asdict(found) for found in refs]


def _complete_move(posting: Posting, content: interface.MovePosting) -> interface.MovePosting:
    if posting.needs_lot is not None:
        content = replace(content, lot=_reference_of(posting.needs_lot))
    if posting.reverses is not None:
        content = replace(content, reverses=_reference_of(posting.reverses))
    if content.kind is interface.MoveKind.SCRAP and content.to_location is None:
        place = policy_of(posting.link).scrap_location(content.reason)
        content = replace(content, to_location=ref(posting.link.system, place) if place else None)
    if not content.item.id:
        is_component = content.kind in (interface.MoveKind.ISSUE, interface.MoveKind.RETURN)
        if is_component and posting.movement is None:
            raise Unmapped(_("a component of the order that only mfgos has"))
        item = posting.movement.item if posting.movement else posting.work_order.item
        if item is None or not item.erp_key:
            raise Unmapped(item.code if item else posting.work_order.item_code)
        content = replace(content, item=ref(posting.link.system, item.erp_key))
    return content


def _complete_labor(posting: Posting, content: interface.LaborPosting) -> interface.LaborPosting:
    person_id = posting.time_entry.person_id if posting.time_entry else None
    employee = ErpEmployee.objects.filter(link=posting.link, person=person_id).first() if person_id else None
    if employee is None:
        raise Unmapped(_("who of its employees has worked here: name the person on the page of the ERP's employees"))
    earlier = posting.reverses
    while earlier is not None and earlier.state == PostingState.SKIPPED:
        earlier = earlier.reverses  # the ERP never got that one: this one stands in place of what it has
    if earlier is not None:
        content = replace(content, replaces=_reference_of(earlier))
    return replace(content, person=ref(posting.link.system, employee.erp_key))


def _reference_of(earlier: Posting) -> interface.ErpRef:
    if earlier.state == PostingState.SKIPPED:
        raise Obsolete(str(earlier.key))
    if earlier.state != PostingState.POSTED or not earlier.erp_refs:
        raise NotYet(str(earlier.key))
    return interface.ErpRef(**earlier.erp_refs[0])
