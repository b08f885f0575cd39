"""Quantities as people read them: no trailing zeros, no exponent, the decimal mark of the language."""

from __future__ import annotations

from decimal import Decimal

from django.utils import formats


def plain(value: Decimal | int) -> str:
    """Decimal("20.000000") -> "20"; never "2E+1". The minus is the typographic one."""
    text = f"{Decimal(value).normalize():f}"
    return formats.number_format(text, use_l10n=True).replace("-", "\u2212")
