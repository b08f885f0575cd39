"""From what a form has sent to what a command takes; what can't be read is refused in the command's own way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core.actors import Actor, Origin
from apps.core.errors import CommandRefused
from apps.materials.queries import is_material
from apps.plant.access import floor_actor
from apps.plant.commands import sign_in_with_badge
from apps.plant.proving import prove_by_password
from apps.plant.queries import is_badge
from apps.workflows.sent import LONGEST_SCAN, LOT, act_id, inputs, typed_number

__all__ = [
    "Proved",
    "actor_of",
    "badge_and_pin",
    "command_id_of",
    "cure_inputs",
    "has_badge",
    "inputs",
    "is_no_lot",
    "measured",
    "proved",
    "proved_by_badge",
    "quantity",
    "row_id",
    "row_ids",
    "scanned",
    "whole",
]

# Beyond this, somebody scanned a barcode into the count.
LARGEST_QUANTITY = Decimal(1_000_000)


def actor_of(request: HttpRequest) -> Actor:
    """Who sends this form, and whether the system had proposed the act.  Refused when nobody is signed in."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or actor.person_id is None:
        raise CommandRefused("nobody", _("The screen has locked itself. Sign in and press once more."))
    proposed = request.POST.get("origin") == Origin.PROPOSED
    return actor.driven_by(Origin.PROPOSED if proposed else Origin.CHOSEN)


@dataclass(frozen=True)
class Proved:
    """Who it is, and the command id of the sign-in by which it was proved just now."""

    actor: Actor
    proof: UUID


def badge_and_pin(request: HttpRequest) -> Actor:
    """Who has typed badge and PIN into this form.  Refused when they do not fit, or this is no terminal."""
    return proved_by_badge(request).actor


def proved(request: HttpRequest) -> Proved:
    """Who signs by this form: with badge and PIN at a terminal, with the own password at a desk."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # at_station has seen it
    return proved_by_badge(request) if actor.terminal_id is not None else _proved_by_password(request)


def proved_by_badge(request: HttpRequest) -> Proved:
    terminal_id: int | None = request.actor.terminal_id  # type: ignore[attr-defined]
    if terminal_id is None:
        raise CommandRefused("no_terminal", _("This browser is no enrolled terminal, so a badge does not count here."))
    proof = uuid4()
    answer = sign_in_with_badge(
        actor=Actor(terminal_id=terminal_id),
        command_id=proof,
        terminal_id=terminal_id,
        badge=SecretStr(request.POST.get("badge", "").strip()),
        pin=SecretStr(request.POST.get("pin", "")),
    )
    if answer.person_id is None:
        raise CommandRefused("sign_in", answer.sentence)
    return Proved(floor_actor(answer.person_id, terminal_id), proof)


def _proved_by_password(request: HttpRequest) -> Proved:
    actor = actor_of(request)
    return Proved(actor, prove_by_password(actor, request.POST.get("password", "")))


def command_id_of(data: QueryDict) -> UUID:
    return act_id(data.get("command_id", ""))


def row_id(data: QueryDict, name: str) -> int:
    return _number(data.get(name, ""))


def row_ids(text: str, count: int = 3) -> list[int]:
    """Several in one value, "12.7.1"."""
    numbers = text.split(".")
    return [_number(number) for number in (numbers if len(numbers) == count else [""])]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise CommandRefused("reload", _("The screen is out of date. Reload it and try again."))
    return int(text)


def quantity(data: QueryDict, name: str) -> Decimal:
    """Zero when left empty; comma or point as the decimal mark."""
    text = data.get(name, "").strip().replace(",", ".") or "0"
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0 or value > LARGEST_QUANTITY:
        raise CommandRefused(
            "no_number", _("“%(text)s” is not a quantity. Type digits only.") % {"text": data.get(name, "")[:20]}
        )
    return value


def measured(data: QueryDict, name: str) -> Decimal | None:
    """None when left empty; comma or point as the decimal mark, and a minus of either kind."""
    text = typed_number(data.get(name, ""))
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandRefused(
            "no_number", _("“%(text)s” is no number. Type what you measured.") % {"text": text[:20]}
        ) from None


def whole(data: QueryDict, name: str) -> int:
    """A number of minutes that a button gave."""
    value = data.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise CommandRefused("no_minutes", _("Choose how many minutes."))
    return int(value)


def scanned(data: QueryDict, name: str) -> str:
    """What came from the scanner, cut where no code is as long."""
    return data.get(name, "").strip()[:LONGEST_SCAN]


def has_badge(data: QueryDict) -> bool:
    """Somebody has held a badge to the scanner where a lot was asked for."""
    return any(is_no_lot(scanned(data, name)) for name in data if name.startswith(f"{LOT}."))


def is_no_lot(code: str) -> bool:
    return bool(code) and is_badge(code) and not is_material(code)


def cure_inputs(data: QueryDict) -> dict[str, Any]:
    """What tells a way to apply a cure from the others: sent back as the screen was given it."""
    try:
        given = json.loads(data.get("inputs", "") or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise CommandRefused("reload", _("The screen is out of date. Reload it and try again."))
    return given
