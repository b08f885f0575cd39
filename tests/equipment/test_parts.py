"""However the ends of a stop move, its parts make up the whole, and what people said stays where it was said."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from apps.equipment.parts import Part, fitted
from tests.equipment.machines import at, seconds

PARTS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30), st.integers(1, 3)), max_size=6)


@given(PARTS, st.integers(-10, 120), st.integers(1, 100) | st.none(), st.booleans())
def test_parts_make_up_the_whole(
    given_parts: list[tuple[int, int, int]], start: int, length: int | None, last_goes_on: bool
) -> None:
    parts = [Part(at(begin), at(begin + size), reason) for begin, size, reason in given_parts]
    if parts and last_goes_on:
        latest = max(range(len(parts)), key=lambda index: parts[index].start)
        parts[latest] = Part(parts[latest].start, None, parts[latest].reason_id)
    end = None if length is None else start + length
    found = fitted(parts, at(start), None if end is None else at(end))
    assert found[0].start == at(start)
    assert found[-1].end == (None if end is None else at(end))
    for one, following in itertools.pairwise(found):
        assert one.end == following.start
    assert all(part.end is None or part.start < part.end for part in found)
    assert {part.reason_id for part in found if part.reason_id} <= {part.reason_id for part in parts}


def test_a_gap_between_two_is_not_explained_and_the_ends_are_drawn_out() -> None:
    parts = [Part(at(10), at(20), 1), Part(at(30), at(40), 2)]
    found = fitted(parts, at(5), at(50))
    assert [(seconds(part.start), seconds(part.end), part.reason_id) for part in found if part.end] == [
        (5, 20, 1), (20, 30, None), (30, 50, 2),
    ]  # fmt: skip
