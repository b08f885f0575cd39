"""A picture of any graph: nothing lies on anything else, nothing is left out, and it is the same each time."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.workflows.picture.layout import MARGIN, lay_out
from apps.workflows.picture.shapes import Box, Layout, Place, Wire

# Of a pixel, for sums of floats.
TINY = 1e-6
WIDTHS = st.floats(min_value=20, max_value=180)


@st.composite
def graphs(draw, most=12):
    keys = [f"s{number}" for number in range(draw(st.integers(1, most)))]
    boxes = [Box(key, draw(WIDTHS), 48.0) for key in keys]
    ends = st.tuples(st.sets(st.sampled_from(keys), min_size=1, max_size=4), st.sampled_from(keys))
    wires: list[Wire] = []
    taken: set[tuple[str, str]] = set()
    for number, (sources, target) in enumerate(draw(st.lists(ends, max_size=3 * most))):
        free = tuple(sorted(source for source in sources if (source, target) not in taken))
        taken |= {(source, target) for source in free}
        if free:
            wires.append(Wire(f"w{number}", free, target, draw(WIDTHS), draw(st.sampled_from([19.0, 36.0, 53.0]))))
    return boxes, wires


def places(layout: Layout) -> list[Place]:
    return [*layout.boxes.values(), *(label for route in layout.routes.values() for label in route.labels)]


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_no_box_and_no_label_lies_on_another(graph):
    layout = lay_out(*graph)
    for one, other in combinations(places(layout), 2):
        assert not one.overlaps(other), (one, other)


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_all_of_it_is_within_the_picture(graph):
    layout = lay_out(*graph)
    for place in places(layout):
        assert place.x - place.width / 2 >= MARGIN - TINY
        assert place.x + place.width / 2 <= layout.width - MARGIN + TINY
        assert place.y - place.height / 2 >= 0
        assert place.y + place.height / 2 <= layout.height
    for route in layout.routes.values():
        for x, y in (point for line in route.lines for point in line):
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_every_box_is_there_and_every_wire_leads_from_its_sources_to_its_target(graph):
    boxes, wires = graph
    layout = lay_out(boxes, wires)
    assert layout.boxes.keys() == {box.key for box in boxes}
    for wire in wires:
        route = layout.routes[wire.key]
        assert route.labels
        reached = _joined(route)
        target = layout.boxes[wire.target]
        assert all(_is_at(target, tip) for tip, __ in route.arrows)
        for source in wire.sources:
            starts = [group for group in reached if any(_is_at(layout.boxes[source], point) for point in group)]
            assert any(any(_is_at(target, point, slack=5.0) for point in group) for group in starts), (wire, source)


def _joined(route) -> list[set[tuple[float, float]]]:
    """The corners of the lines, together where lines meet each other or the same label."""
    ends = [
        {(label.x, label.y - label.height / 2), (label.x, label.y + label.height / 2)}
        | {(label.x + side * label.width / 2, label.y) for side in (-1, 1)}
        for label in route.labels
    ]
    groups: list[set[tuple[float, float]]] = []
    for points in [*map(set, route.lines), *ends]:
        touched = [group for group in groups if any(_is_near(a, b) for a in group for b in points)]
        groups = [group for group in groups if group not in touched] + [points.union(*touched)]
    return groups


def _is_near(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] - b[0]) < 0.01 and abs(a[1] - b[1]) < 0.01


def _is_at(box: Place, point: tuple[float, float], *, slack: float = 4.5) -> bool:
    """On its edge, or just where the tip of an arrow begins."""
    away = abs(point[0] - box.x) - box.width / 2, abs(point[1] - box.y) - box.height / 2
    return max(away) <= slack and max(away) >= -0.01


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_no_line_runs_through_a_box_or_a_label(graph):
    boxes, wires = graph
    layout = lay_out(boxes, wires)
    for wire in wires:
        for line in layout.routes[wire.key].lines:
            for (x1, y1), (x2, y2) in pairwise(line):
                stroke = Place((x1 + x2) / 2, (y1 + y2) / 2, abs(x1 - x2) + 0.5, abs(y1 - y2) - 0.1)
                for place in places(layout):
                    within = Place(place.x, place.y, place.width - 1, place.height - 1)
                    assert not within.overlaps(stroke), (wire, line, place)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_the_same_graph_is_the_same_picture(graph):
    boxes, wires = graph
    assert lay_out(boxes, wires) == lay_out(list(boxes), list(wires))


def test_a_way_goes_down_and_its_way_back_up():
    boxes = [Box(key, 100, 48) for key in ("ready", "running", "done")]
    wires = [
        Wire("start", ("ready",), "running", 60, 19),
        Wire("back", ("running",), "ready", 60, 19),
        Wire("end", ("running",), "done", 60, 19),
    ]
    placed = lay_out(boxes, wires).boxes
    assert placed["ready"].y < placed["running"].y < placed["done"].y


def test_a_large_one_comes_within_seconds():
    """200 states and 1,000 ways, most of them to near ones, as workflows are."""
    boxes = [Box(f"s{number}", 120, 48) for number in range(200)]
    steps = (1, 2, 3, -2, 5)
    wires = [
        Wire(f"w{number}-{step}", (f"s{number}",), f"s{(number + step) % 200}", 80, 19)
        for number in range(200)
        for step in steps
    ]
    layout = lay_out(boxes, wires)
    assert len(layout.routes) == 1_000
    ordered = sorted(places(layout), key=lambda place: place.y)
    assert not any(one.overlaps(other) for one, other in pairwise(ordered))
