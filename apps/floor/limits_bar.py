"""The bar of limits under a measurement: positions for its picture, as SVG writes numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.core.numbers import plain
from apps.orders.models import DirectiveStep

# Of the picture: its edges, and where the limits stand while both are given.
LEFT, RIGHT = 12.0, 488.0
LOW_AT, HIGH_AT = 131.0, 369.0


@dataclass(frozen=True)
class Mark:
    """`x` in the picture, `label` as people read it."""

    x: str
    label: str


@dataclass(frozen=True)
class LimitsBar:
    """
    ok_x, ok_width  the part inside the limits      rings   the last values
    from_value, from_x, scale                       x = from_x + (value - from_value) * scale, kept between the edges
    """

    low: Mark | None
    high: Mark | None
    aim: Mark | None
    ok_x: str
    ok_width: str
    rings: list[str]
    from_value: str
    from_x: str
    scale: str


def limits_bar(step: DirectiveStep, recent: list[Decimal]) -> LimitsBar | None:
    """None for a measurement without limits."""
    if step.low is None and step.high is None:
        return None
    start, scale = _scale(step)

    def x(value: Decimal) -> float:
        return min(RIGHT, max(LEFT, _start_x(step) + float(value - start) * scale))

    def mark(value: Decimal | None) -> Mark | None:
        return None if value is None else Mark(f"{x(value):.1f}", plain(value))

    ok_from = x(step.low) if step.low is not None else LEFT
    ok_to = x(step.high) if step.high is not None else RIGHT
    return LimitsBar(
        low=mark(step.low),
        high=mark(step.high),
        aim=mark(step.aim),
        ok_x=f"{ok_from:.1f}",
        ok_width=f"{ok_to - ok_from:.1f}",
        rings=[f"{x(value):.1f}" for value in recent],
        from_value=f"{start:f}",
        from_x=f"{_start_x(step):.1f}",
        scale=f"{scale:.6f}",
    )


def _scale(step: DirectiveStep) -> tuple[Decimal, float]:
    """The value that stands at `_start_x`, and how wide one unit is drawn."""
    if step.low is not None and step.high is not None:
        return step.low, (HIGH_AT - LOW_AT) / float(step.high - step.low)
    limit = step.low if step.low is not None else step.high
    assert limit is not None  # asked before
    span = abs(step.aim - limit) * 2 if step.aim is not None and step.aim != limit else abs(limit)
    return limit, (HIGH_AT - LOW_AT) / float(span or 1)


def _start_x(step: DirectiveStep) -> float:
    return LOW_AT if step.low is not None else HIGH_AT
