"""Column types that mean the same everywhere."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models


class QuantityField(models.DecimalField):  # type: ignore[type-arg]  # generic for the checker only
    """A quantity in the unit named beside it: exact, six decimals, never a float."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)


class TsTzRange(models.Func):
    """The half-open range of two time columns, for constraints: TsTzRange("started_at", "ended_at"); NULL: no end."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()
