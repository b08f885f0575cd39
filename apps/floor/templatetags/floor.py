"""{% load floor %}: what only the floor's screens need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def of(values: Mapping[Any, Any], key: object) -> object:
    """`phones|of:person.pk`; None where there is none."""
    return values.get(key)
