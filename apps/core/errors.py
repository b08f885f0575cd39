"""What a command says when it will not do a thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CommandRefused(Exception):
    """Refused before it happened; nothing was changed.

    code      stable name for machines and tests ("lot_held")
    sentence  for the operator: what, and what to do
    owner     who can lift it, in words; empty when the reader can
    facts     ids and numbers only: they go into the ledger, which names no person by name
    """

    def __init__(self, code: str, sentence: str, owner: str = "", facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, str(sentence), str(owner))
        self.code = code
        self.sentence = str(sentence)
        self.owner = str(owner)
        self.facts = dict(facts or {})

    def __str__(self) -> str:
        return f"{self.sentence} {self.owner}".strip()
