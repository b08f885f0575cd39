"""Reads the process environment once, and refuses a wrong value with an id, a sentence and a hint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured


class Environment:
    """Typed access to environment variables; every refusal reads `mfgos.Ennn: what. Hint: what to do.`"""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "1" if default else "0").lower()
        if value not in {"0", "1"}:
            raise refusal("E001", f"{name} is {value!r}", f"set {name} to 0 or 1")
        return value == "1"

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or not low <= int(value) <= high:
            raise refusal("E002", f"{name} is {value!r}", f"set {name} to a whole number from {low} to {high}")
        return int(value)

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise refusal("E003", f"{name} is {value!r}", f"set {name} to one of: {', '.join(allowed)}")
        return value

    def names(self, name: str, default: Sequence[str]) -> list[str]:
        return [part.strip() for part in self.text(name, ",".join(default)).split(",") if part.strip()]

    def table(self, name: str) -> dict[str, Any] | None:
        """A JSON object; None when it is not set. The value stays out of the refusal: it may hold a secret."""
        text = self.text(name)
        if not text:
            return None
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise refusal("E006", f"{name} is no JSON object", f'write {name} as {{"name": "value"}}')
        return value


def refusal(code: str, what: str, hint: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"mfgos.{code}: {what}. Hint: {hint}.")
