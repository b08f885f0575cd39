"""{% load mfgos %}: quantities and icons, the same on every screen."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from django import template
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.numbers import plain

register = template.Library()


@register.filter
def quantity(value: Decimal | int | None) -> str:
    return "" if value is None else plain(value)


@register.filter
def duration(seconds: int) -> str:
    """3909 is "1:05:09", 750 is "12:30", below zero with a minus."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"\N{MINUS SIGN}{shown}" if seconds < 0 else shown


@register.simple_tag
def decimal_mark() -> str:
    """What stands before the decimals in the active language."""
    return str(formats.get_format("DECIMAL_SEPARATOR"))


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A glyph of the sprite in templates/core/_sprite.html; the word beside it says the same to readers."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)
