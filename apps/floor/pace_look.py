"""The pace of a line as the board shows it: whole pieces, and where the marks of its bar lie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property

from apps.plant.shifts_calendar import Shift
from apps.shifts.pace import Pace

# The bar, in the units of its drawing; labels nearer to each other than this would run into one another.
LEFT, WIDTH, LABEL = 4, 1042, 240


@dataclass(frozen=True)
class PaceLook:
    """A template asks for each of these again and again."""

    pace: Pace

    @cached_property
    def shift(self) -> Shift:
        return self.pace.shift

    @cached_property
    def made(self) -> Decimal:
        return self.pace.made

    @cached_property
    def target(self) -> Decimal | None:
        return self.pace.target

    @cached_property
    def should_be(self) -> Decimal | None:
        return self._pieces(self.pace.should_be_by_now)

    @cached_property
    def heading_for(self) -> Decimal | None:
        return self._pieces(self.pace.heading_for)

    @cached_property
    def behind(self) -> Decimal | None:
        """Of what is shown, so that the numbers agree; None when not behind, or nobody can say."""
        return self._above_zero(self.should_be, self.made)

    @cached_property
    def short(self) -> Decimal | None:
        return self._above_zero(self.target, self.heading_for)

    # -- the bar

    @cached_property
    def made_width(self) -> int:
        return self._at(self.made) - LEFT

    @cached_property
    def should_be_at(self) -> int | None:
        return None if self.should_be is None else self._at(self.should_be)

    @cached_property
    def heading_at(self) -> int | None:
        return None if self.heading_for is None else self._at(self.heading_for)

    @cached_property
    def target_at(self) -> int | None:
        return None if self.target is None else self._at(self.target)

    @cached_property
    def made_at(self) -> int:
        return self._at(self.made)

    @cached_property
    def heading_width(self) -> int:
        """From what is made to where it is heading."""
        return max(0, (self.heading_at or 0) - self.made_at)

    @cached_property
    def heading_has_label(self) -> bool:
        others = [at for at in (self.should_be_at, self.target_at) if at is not None]
        return (
            self.heading_at is not None
            and self.heading_at > LABEL
            and all(abs(self.heading_at - at) > LABEL for at in others)
        )

    @cached_property
    def should_be_has_label(self) -> bool:
        at = self.should_be_at
        return at is not None and self.target_at is not None and LABEL / 3 < at < self.target_at - LABEL

    def _at(self, quantity: Decimal) -> int:
        longest = max(self.target or Decimal(0), self.heading_for or Decimal(0), self.made, Decimal(1))
        return LEFT + round(WIDTH * max(Decimal(0), quantity) / longest)

    def _pieces(self, quantity: Decimal | None) -> Decimal | None:
        """Down to whole pieces, or to as many decimals as the target or the count itself has."""
        if quantity is None:
            return None
        exponents = [(value or Decimal(0)).normalize().as_tuple().exponent for value in (self.target, self.made)]
        digits = min(0, *(int(exponent) for exponent in exponents))
        return quantity.quantize(Decimal(1).scaleb(digits), ROUND_FLOOR)

    @staticmethod
    def _above_zero(wanted: Decimal | None, have: Decimal | None) -> Decimal | None:
        return wanted - have if wanted is not None and have is not None and wanted > have else None
