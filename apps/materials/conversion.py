"""From one unit into another, exactly, with one rounding at the end."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from apps.materials.models import Item, Unit

# Those of apps.core.fields.QuantityField.
DECIMALS = 6


class CannotConvert(ValueError):
    """Its text is a sentence for people."""


def convert(quantity: Decimal, source: Unit, target: Unit, item: Item | None = None) -> Decimal:
    """`quantity` of `source` in `target`, rounded half to even at six decimals.

    Within a category by the units' factors, across categories by the item's own units (ItemUnit).
    Raises CannotConvert when nothing says how, or when less than the sixth decimal would be left of it.
    """
    if source.pk == target.pk:
        return quantity
    exact = Fraction(quantity) * _ratio(source, target, item)
    rounded = Decimal(round(exact * 10**DECIMALS)).scaleb(-DECIMALS)
    if not rounded and quantity:
        raise CannotConvert(
            _("%(quantity)s %(source)s is too little to be told in %(target)s.")
            % {"quantity": quantity, "source": source.code, "target": target.code}
        )
    return rounded


def _ratio(source: Unit, target: Unit, item: Item | None) -> Fraction:
    if source.category == target.category:
        return Fraction(source.factor) / Fraction(target.factor)
    of_source, of_target = (_in_own_unit(unit, item) for unit in (source, target))
    if of_source is None or of_target is None:
        raise CannotConvert(
            _("Nothing says how %(source)s converts into %(target)s%(item)s.")
            % {
                "source": source.code,
                "target": target.code,
                "item": _(" for %(code)s") % {"code": item.code} if item else "",
            }
        )
    return of_source / of_target


def _in_own_unit(unit: Unit, item: Item | None) -> Fraction | None:
    """How much of the item's own unit one `unit` is; None: nobody knows."""
    if item is None:
        return None
    if unit.category == item.unit.category:
        return Fraction(unit.factor) / Fraction(item.unit.factor)
    known = [other for other in item.units.all() if other.unit.category == unit.category]
    for other in sorted(known, key=lambda other: (other.unit_id != unit.pk, other.pk)):
        return Fraction(other.factor) * Fraction(unit.factor) / Fraction(other.unit.factor)
    return None


def fits(quantity: Decimal, unit: Unit) -> bool:
    """Whether it has no more decimals than the unit allows."""
    return quantity == round(quantity, unit.digits)
