"""How high the rows are and along which tracks the lines run between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.workflows.picture.columns import CORNER, leeway, spread
from apps.workflows.picture.rows import LOOP, PIN
from apps.workflows.picture.shapes import MANY, Heading, Member, Net, Part, Place, Point, Route, Rows, Wire

# Pixels between two tracks, before the first one, and for the tip of an arrow.
TRACK = 9.0
FIRST = 9.0
TIP = 8.0
# Upright lines nearer than this look like one.
NEAR = 7.0

# A line so much beside the place where it ends is moved there.
ASIDE = 22.0

# Among so many lines between two rows the order of tracks is not weighed any more.
MANY_TRACKS = 60


@dataclass(slots=True, eq=False)
class _Run:
    """A net with its pins: x where it meets each of its members."""

    net: Net
    uppers: list[float]
    lowers: list[float]
    track: int = -1

    @property
    def low(self) -> float:
        return min(*self.uppers, *self.lowers)

    @property
    def high(self) -> float:
        return max(*self.uppers, *self.lowers)

    @property
    def is_straight(self) -> bool:
        return self.high - self.low < 0.5


def draw(
    rows: Rows, nets: Sequence[Net], wires: Sequence[Wire], *, top: float
) -> tuple[dict[str, Place], dict[str, Route], float]:
    """The boxes, the routes by wire, and how far down it all goes."""
    runs = _runs(nets)
    middles, channels, bottom = _heights(rows, runs, top)
    places: dict[str, Place] = {}
    routes = {wire.key: Route() for wire in wires}
    for number, between in runs.items():
        for run in between:
            _draw_run(run, channels[number] + max(run.track, 0) * TRACK, middles, routes[run.net.wire])
    for middle, row in zip(middles, rows, strict=True):
        for member in row:
            if member.part is Part.BOX:
                places[member.key] = Place(member.middle, middle, member.body, member.height)
            elif member.part is Part.LABEL:
                routes[member.key].labels.append(Place(member.x, middle, member.width, member.height))
    for wire in wires:
        if wire.target in wire.sources:
            _draw_loop(places[wire.target], wire, routes[wire.key])
    return places, routes, bottom


def _heights(rows: Rows, runs: Mapping[int, Sequence[_Run]], top: float) -> tuple[list[float], list[float], float]:
    """The middle of each row, the first track below it, and where it all ends. Gives the runs their tracks."""
    middles: list[float] = []
    channels: list[float] = []
    y = top
    for number, row in enumerate(rows):
        height = max((member.height for member in row), default=0.0)
        middles.append(y + height / 2)
        y += height
        between = runs.get(number, [])
        headings = {run.net.heading for run in between}
        channels.append(y + FIRST + TIP * (Heading.UP in headings))
        if number + 1 < len(rows):
            y = channels[-1] + max(_lay_tracks(between) - 1, 0) * TRACK + FIRST + TIP * (Heading.DOWN in headings)
    return middles, channels, y


# ---- pins


def _runs(nets: Sequence[Net]) -> dict[int, list[_Run]]:
    pins = _pins(nets)
    runs: defaultdict[int, list[_Run]] = defaultdict(list)
    for number, net in enumerate(nets):
        runs[net.row].append(
            _Run(
                net,
                [pins.get((number, id(member), True), member.x) for member in net.uppers],
                [pins.get((number, id(member), False), member.x) for member in net.lowers],
            )
        )
    return runs


def _pins(nets: Sequence[Net]) -> dict[tuple[int, int, bool], float]:
    """By net, box and whether the net leaves it downwards: the x, as near to straight as the box's other lines let."""
    wished: defaultdict[tuple[int, bool], list[tuple[float, int]]] = defaultdict(list)
    boxes: dict[int, Member] = {}
    for number, net in enumerate(nets):
        for ends, others, is_upper in ((net.uppers, net.lowers, True), (net.lowers, net.uppers, False)):
            for end in ends:
                if end.part is Part.BOX:
                    boxes[id(end)] = end
                    wished[(id(end), is_upper)].append((sum(o.x for o in others) / len(others), number))
    pins: dict[tuple[int, int, bool], float] = {}
    for (box_id, is_upper), wishes in wished.items():
        wishes.sort()
        box = boxes[box_id]
        reach = box.body / 2 - CORNER
        count = len(wishes)
        places = spread(
            [min(max(x, box.middle - reach), box.middle + reach) for x, __ in wishes],
            [PIN] * (count - 1),
            [1.0] * count,
            lowest=box.middle - reach,
            highest=box.middle + reach,
        )
        for (__, number), x in zip(wishes, places, strict=True):
            pins[(number, box_id, is_upper)] = x
    return pins


def straighten_ends(rows: Rows, nets: Sequence[Net]) -> None:
    """Pins follow what they lead to, and what nearly meets its pin follows it. Nothing moves members later."""
    for __ in range(3 if len(nets) < MANY else 1):
        if not _nudge(rows, _runs(nets)):
            return


def _nudge(rows: Rows, runs: Mapping[int, Sequence[_Run]]) -> bool:
    """Moves labels and long lines that nearly meet their pin, the arrow's first; answers whether one was moved."""
    moved: set[int] = set()
    lone = [run for between in runs.values() for run in between if len(run.uppers) == len(run.lowers) == 1]
    for run in sorted(lone, key=lambda run: run.net.heading is None):
        (upper,), (lower,) = run.net.uppers, run.net.lowers
        by, line = run.uppers[0] - run.lowers[0], lower
        if upper.part is not Part.BOX:
            by, line = -by, upper
        if line.part is Part.BOX or (upper.part is not Part.BOX and lower.part is not Part.BOX):
            continue
        together = _straight_on(line)
        if 0.1 < abs(by) < ASIDE and not moved & {id(member) for member in together}:
            bounds = [leeway(rows, member) for member in together]
            if all(low <= member.x + by <= high for member, (low, high) in zip(together, bounds, strict=True)):
                for member in together:
                    member.x += by
                    moved.add(id(member))
    return bool(moved)


def _straight_on(line: Member) -> list[Member]:
    """With all of the same line that stands exactly above or below it."""
    found = [line]
    for member in found:
        for near in (*member.above, *member.below):
            if near.key == line.key and near.part is not Part.BOX and near.x == line.x and near not in found:
                found.append(near)
    return found


# ---- tracks


def _lay_tracks(runs: Sequence[_Run]) -> int:
    """Gives every run that is not straight its track, 0 uppermost; answers how many there are."""
    bent = sorted((run for run in runs if not run.is_straight), key=lambda run: (run.low, run.high, run.net.wire))
    if len(bent) > MANY_TRACKS:
        return _pack(bent)
    for number, run in enumerate(_order(bent)):
        run.track = number
    ordered = sorted(bent, key=lambda run: run.track)
    for number, run in enumerate(ordered):
        run.track = max(
            (
                other.track + 1
                for other in ordered[:number]
                if other.low < run.high + NEAR and run.low < other.high + NEAR
            ),
            default=0,
        )
    return max((run.track for run in bent), default=-1) + 1


def _pack(runs: Sequence[_Run]) -> int:
    """Each to the first track that is free where it begins."""
    ends: list[float] = []
    for run in runs:
        free = next((track for track, end in enumerate(ends) if end + NEAR < run.low), len(ends))
        ends[free : free + 1] = [run.high]
        run.track = free
    return len(ends)


def _order(runs: Sequence[_Run]) -> list[_Run]:
    """From the top: each is put where it crosses the fewest others, until nothing is gained."""
    costs: Mapping[tuple[int, int], int] = {(id(a), id(b)): _cost(a, b) for a in runs for b in runs if a is not b}
    ordered = list(runs)
    for __ in range(6):
        before = list(ordered)
        for run in runs:
            ordered.remove(run)
            cost = sum(costs[(id(run), id(other))] for other in ordered)
            best, best_at = cost, 0
            for at, other in enumerate(ordered, 1):
                cost += costs[(id(other), id(run))] - costs[(id(run), id(other))]
                if cost < best:
                    best, best_at = cost, at
            ordered.insert(best_at, run)
        if ordered == before:
            break
    return ordered


def _cost(upper: _Run, lower: _Run) -> int:
    """Crossings while `upper` runs above `lower`; upright lines that would lie on each other count as many."""
    return (
        sum(lower.low < x < lower.high for x in upper.lowers)
        + sum(upper.low < x < upper.high for x in lower.uppers)
        + sum(100 for x in upper.lowers for other in lower.uppers if abs(x - other) < NEAR)
    )


# ---- lines


def _draw_run(run: _Run, track: float, middles: Sequence[float], route: Route) -> None:
    net = run.net
    for upper, top in zip(net.uppers, run.uppers, strict=True):
        start = middles[upper.row] + upper.height / 2
        if net.heading is Heading.UP:
            route.arrows.append(((top, start), Heading.UP))
            start += TIP / 2
        for lower, bottom in zip(net.lowers, run.lowers, strict=True):
            end = middles[lower.row] - lower.height / 2
            if net.heading is Heading.DOWN:
                route.arrows.append(((bottom, end), Heading.DOWN))
                end -= TIP / 2
            corners = [] if run.is_straight else [(top, track), (bottom, track)]
            route.lines.append([(top, start), *corners, (bottom, end)])
    if not run.is_straight:
        pins = [*run.uppers, *run.lowers]
        route.joints += [(x, track) for x in sorted(set(pins)) if pins.count(x) + (x > run.low) + (x < run.high) > 2]


def _draw_loop(box: Place, wire: Wire, route: Route) -> None:
    edge, far = box.x + box.width / 2, box.x + box.width / 2 + LOOP - 12
    up, down = box.y - box.height / 4, box.y + box.height / 4
    corners: list[Point] = [(edge, up), (far, up), (far, down), (edge + TIP / 2, down)]
    route.lines.append(corners)
    route.arrows.append(((edge, down), Heading.LEFT))
    route.labels.append(Place(edge + LOOP + wire.width / 2, box.y, wire.width, wire.height))
