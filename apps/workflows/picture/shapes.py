"""What a layout is asked for, what it is made of, and what it answers. All lengths are pixels, y grows downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

Point = tuple[float, float]

# Of so many members on, a picture is a map to scroll in: fewer rounds, so that it comes within seconds.
MANY = 1_500


@dataclass(frozen=True)
class Box:
    key: str
    width: float
    height: float


@dataclass(frozen=True)
class Wire:
    """One bundle of lines from its sources to the target; the size is its label's."""

    key: str
    sources: tuple[str, ...]
    target: str
    width: float
    height: float


@dataclass(frozen=True)
class Place:
    """`x` and `y` are the middle."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Place) -> bool:
        return (
            abs(self.x - other.x) * 2 < self.width + other.width
            and abs(self.y - other.y) * 2 < self.height + other.height
        )


class Heading(Enum):
    """Where the tip of an arrow shows."""

    DOWN = "down"
    UP = "up"
    LEFT = "left"


@dataclass
class Route:
    """How a wire runs: corners of its lines, tips of its arrows, points where its lines meet, places of its label (one
    for the sources above the target, one for those below, one beside a box that it leaves and enters).
    """

    lines: list[list[Point]] = field(default_factory=list)
    arrows: list[tuple[Point, Heading]] = field(default_factory=list)
    joints: list[Point] = field(default_factory=list)
    labels: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    boxes: dict[str, Place]
    routes: dict[str, Route]
    width: float
    height: float


class Part(Enum):
    BOX = "box"
    LABEL = "label"
    TRUNK = "trunk"  # a line on its way through a row


@dataclass(slots=True, eq=False)
class Member:
    """What stands in a row. `body` is how much of the width is the box itself; the rest, to its right, is its loop."""

    part: Part
    key: str
    row: int
    width: float
    height: float
    body: float
    at: int = 0
    x: float = 0.0
    above: list[Member] = field(default_factory=list)
    below: list[Member] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """Where the box itself is; `x` is the middle of all."""
        return self.x - (self.width - self.body) / 2


@dataclass(slots=True, eq=False)
class Net:
    """The lines of one wire between a row and the next one."""

    wire: str
    row: int
    uppers: list[Member]
    lowers: list[Member]
    heading: Heading | None = None


Rows = Sequence[list[Member]]
