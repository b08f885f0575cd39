"""Quantities from one unit into another."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.materials.conversion import DECIMALS, CannotConvert, convert, fits
from apps.materials.models import Item, ItemUnit, Unit
from apps.materials.structure import find_cycle
from tests.materials.stock_world import make_item, make_unit

HALF = Fraction(1, 2 * 10**DECIMALS)
quantities = st.decimals("0.001", "999999", places=DECIMALS)
factors = st.decimals("0.001", "99999", places=6)


def unit(factor: Decimal | int | str = 1, *, category: str = "mass", key: int = 0) -> Unit:
    return Unit(
        pk=key or hash((str(factor), category)) or 1, code=f"x{factor}", category=category, factor=Decimal(factor)
    )


class TestWithinACategory:
    @pytest.mark.parametrize(
        ("quantity", "source", "target", "expected"),
        [
            ("2.5", "1000", "1", "2500"),
            ("1", "1", "1000", "0.001"),
            ("1", "1", "3", "0.333333"),
            ("0.000001", "1000000", "1", "1"),
            ("999999999999", "1", "1000", "999999999.999"),
        ],
    )
    def test_goes_by_the_factors(self, quantity: str, source: str, target: str, expected: str) -> None:
        assert convert(Decimal(quantity), unit(source, key=1), unit(target, key=2)) == Decimal(expected)

    def test_into_the_same_unit_is_the_very_same(self) -> None:
        assert str(convert(Decimal("1.20"), unit(3), unit(3))) == "1.20"

    def test_too_little_to_be_told_is_refused(self) -> None:
        with pytest.raises(CannotConvert, match="too little to be told"):
            convert(Decimal("0.0001"), unit(1), unit(1000))

    @given(quantities, factors, factors)
    def test_is_exact_but_for_one_rounding(self, quantity: Decimal, one: Decimal, other: Decimal) -> None:
        exact = Fraction(quantity) * Fraction(one) / Fraction(other)
        try:
            got = convert(quantity, unit(one, key=1), unit(other, key=2))
        except CannotConvert:
            assert exact <= HALF
        else:
            assert abs(Fraction(got) - exact) <= HALF

    @given(quantities, st.integers(1, 10**6))
    def test_there_and_back_is_the_same_where_the_smaller_unit_holds_it(self, quantity: Decimal, times: int) -> None:
        large, small = unit(times, key=1), unit(1, key=2)
        assert convert(convert(quantity, large, small), small, large) == quantity

    @given(quantities, factors, factors)
    def test_there_and_back_differs_by_no_more_than_the_roundings(
        self, quantity: Decimal, one: Decimal, other: Decimal
    ) -> None:
        a, b = unit(one, key=1), unit(other, key=2)
        try:
            back = convert(convert(quantity, a, b), b, a)
        except CannotConvert:
            return
        assert abs(Fraction(back) - Fraction(quantity)) <= HALF * Fraction(other) / Fraction(one) + HALF

    @given(quantities, st.lists(st.integers(1, 1000), min_size=2, max_size=5))
    def test_a_chain_into_ever_smaller_units_is_one_step(self, quantity: Decimal, steps: list[int]) -> None:
        sizes = [1]
        for step in steps:
            sizes.append(sizes[-1] * step)
        units = [unit(size, key=index) for index, size in enumerate(reversed(sizes), start=1)]
        along = quantity
        for source, target in itertools.pairwise(units):
            along = convert(along, source, target)
        assert along == convert(quantity, units[0], units[-1])


@pytest.mark.django_db
class TestAcrossCategories:
    @pytest.fixture
    def oil(self) -> Item:
        """Kept in litres; a litre is 0.9 kg, so a kilogram is 1/0.9 l: told as a drum of 180 kg with 200 l."""
        litre = make_unit("l", category="volume", digits=3)
        drum = make_unit("drum180", category="mass", factor=180000)
        oil = make_item("OIL-46", unit=litre)
        ItemUnit.objects.create(item=oil, unit=drum, factor=Decimal(200))
        return oil

    def test_goes_by_the_items_own_unit(self, oil: Item) -> None:
        kg, ml = make_unit("kg", category="mass", factor=1000), make_unit("ml", category="volume", factor="0.001")
        assert convert(Decimal(9), kg, oil.unit, oil) == 10
        assert convert(Decimal(10000), ml, kg, oil) == 9

    def test_without_the_item_or_for_another_one_is_refused(self, oil: Item) -> None:
        kg = make_unit("kg", category="mass", factor=1000)
        with pytest.raises(CannotConvert, match=r"Nothing says how kg converts into l\."):
            convert(Decimal(9), kg, oil.unit)
        with pytest.raises(CannotConvert, match=r"Nothing says how kg converts into l for WATER\."):
            convert(Decimal(9), kg, oil.unit, make_item("WATER", unit=oil.unit))

    def test_the_unit_itself_goes_before_another_of_its_category(self, oil: Item) -> None:
        can = make_unit("can", category="mass", factor=18000)
        ItemUnit.objects.create(item=oil, unit=can, factor=Decimal("19.5"))
        assert convert(Decimal(2), can, oil.unit, oil) == 39


@pytest.mark.parametrize(("quantity", "digits", "expected"), [("1.50", 1, True), ("1.55", 1, False), ("2.0", 0, True)])
def test_a_unit_says_how_many_decimals_fit(quantity: str, digits: int, expected: bool) -> None:
    assert fits(Decimal(quantity), Unit(digits=digits)) is expected


class TestACycle:
    def test_is_told_as_the_way_back(self) -> None:
        assert find_cycle({1: [2, 3], 2: [4], 3: [4], 4: [5], 5: [1]}, 1) in ([1, 2, 4, 5, 1], [1, 3, 4, 5, 1])
        assert find_cycle({1: [1]}, 1) == [1, 1]

    def test_is_none_where_parts_are_shared_or_the_circle_is_elsewhere(self) -> None:
        assert find_cycle({1: [2, 3], 2: [4], 3: [4]}, 1) == []
        assert find_cycle({1: [2], 2: [3], 3: [2]}, 1) == []
        assert find_cycle({}, 1) == []

    @given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4)), st.integers(0, 8))
    def test_is_found_if_and_only_if_there_is_one(self, uses: dict[int, list[int]], start: int) -> None:
        reached, waiting = set[int](), list(uses.get(start, []))
        while waiting:
            item = waiting.pop()
            if item not in reached:
                reached.add(item)
                waiting += uses.get(item, [])
        path = find_cycle(uses, start)
        assert bool(path) == (start in reached)
        if path:
            assert path[0] == path[-1] == start
            assert all(b in uses[a] for a, b in itertools.pairwise(path))

    def test_of_great_depth_does_not_break_it(self) -> None:
        deep = {n: [n + 1] for n in range(50_000)} | {50_000: [0]}
        assert len(find_cycle(deep, 0)) == 50_002
