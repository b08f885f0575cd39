"""Which row a state stands in, and who stands beside whom: cycles are opened, rows counted, crossings made few."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from apps.workflows.picture.shapes import MANY, Box, Heading, Member, Net, Part, Rows, Wire

# Room beside a box for a line that leaves and enters it, without its label.
LOOP = 34.0
PIN = 14.0


def arrange(boxes: Sequence[Box], wires: Sequence[Wire]) -> tuple[Rows, list[Net]]:
    ranks = _ranks([box.key for box in boxes], wires)
    rows, nets = _members(boxes, wires, ranks)
    for net in nets:
        for upper in net.uppers:
            upper.below += net.lowers
        for lower in net.lowers:
            lower.above += net.uppers
    _widen(nets)
    _order(rows)
    return rows, nets


# ---- rows


def _ranks(keys: Sequence[str], wires: Sequence[Wire]) -> dict[str, int]:
    """0 for where things begin; a way that leads back is none that counts."""
    forward: dict[str, list[str]] = {key: [] for key in keys}
    for wire in wires:
        for source in wire.sources:
            if source != wire.target and wire.target not in forward[source]:
                forward[source].append(wire.target)
    finished, leads_back = _depth_first(forward)
    ranks = dict.fromkeys(keys, 0)
    for key in reversed(finished):
        for target in forward[key]:
            if (key, target) not in leads_back:
                ranks[target] = max(ranks[target], ranks[key] + 1)
    entered = {target for key in keys for target in forward[key] if (key, target) not in leads_back}
    for key in finished:
        after = [ranks[target] for target in forward[key] if (key, target) not in leads_back]
        if key not in entered and after:
            ranks[key] = min(after) - 1
    return ranks


def _depth_first(forward: Mapping[str, list[str]]) -> tuple[list[str], set[tuple[str, str]]]:
    """The keys in the order in which they are done with, and the ways that lead back to one on the path."""
    finished: list[str] = []
    leads_back: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for start in forward:
        if start in seen:
            continue
        seen.add(start)
        path = {start: iter(forward[start])}
        while path:
            key = next(reversed(path))
            target = next(path[key], None)
            if target is None:
                del path[key]
                finished.append(key)
            elif target in path:
                leads_back.add((key, target))
            elif target not in seen:
                seen.add(target)
                path[target] = iter(forward[target])
    return finished, leads_back


def _members(boxes: Sequence[Box], wires: Sequence[Wire], ranks: Mapping[str, int]) -> tuple[Rows, list[Net]]:
    """Boxes in the even rows, labels in the odd ones beside their target, trunks wherever a line goes on."""
    loops = {wire.target: wire for wire in wires if wire.target in wire.sources}
    rows: list[list[Member]] = [[] for __ in range(2 * max(ranks.values(), default=-1) + 1)]
    made: dict[str, Member] = {}
    for box in boxes:
        loop = loops.get(box.key)
        member = Member(
            Part.BOX,
            box.key,
            2 * ranks[box.key],
            width=box.width + (LOOP + loop.width if loop else 0),
            height=max(box.height, loop.height + 8 if loop else 0),
            body=box.width,
        )
        made[box.key] = member
        rows[member.row].append(member)
    nets: list[Net] = []
    for wire in wires:
        ends = [made[source] for source in wire.sources if source != wire.target]
        target = made[wire.target]
        for side in (-1, 1):
            sources = [end for end in ends if (end.row - target.row) * side > 0]
            nets += _trunk(rows, wire, target, sources, side) if sources else []
    return rows, nets


def _trunk(rows: Rows, wire: Wire, target: Member, sources: Sequence[Member], side: int) -> Iterator[Net]:
    """From the label beside the target to the farthest source, which lies above (side -1) or below (1)."""
    label = Member(Part.LABEL, wire.key, target.row + side, wire.width, wire.height, wire.width)
    rows[label.row].append(label)
    yield _net(wire, side, near=[target], far=[label], heading=Heading.DOWN if side < 0 else Heading.UP)
    by_row: defaultdict[int, list[Member]] = defaultdict(list)
    for source in sources:
        by_row[source.row].append(source)
    last = max(by_row, key=lambda row: row * side)
    near = label
    for row in range(label.row + side, last + side, side):
        far = list(by_row[row])
        if row != last:
            trunk = Member(Part.TRUNK, wire.key, row, 2.0, 0.0, 2.0)
            rows[row].append(trunk)
            far.append(trunk)
            yield _net(wire, side, near=[near], far=far)
            near = trunk
        else:
            yield _net(wire, side, near=[near], far=far)


def _net(wire: Wire, side: int, *, near: list[Member], far: list[Member], heading: Heading | None = None) -> Net:
    uppers, lowers = (far, near) if side < 0 else (near, far)
    return Net(wire.key, uppers[0].row, uppers, lowers, heading)


def _widen(nets: Iterable[Net]) -> None:
    """A box is as wide as the lines that leave or enter one of its sides need."""
    pins: defaultdict[tuple[Member, bool], int] = defaultdict(int)
    for net in nets:
        for is_upper, ends in ((True, net.uppers), (False, net.lowers)):
            for end in ends:
                pins[(end, is_upper)] += 1
    for (end, __), count in pins.items():
        needed = PIN * (count + 1)
        if end.part is Part.BOX and needed > end.body:
            end.width += needed - end.body
            end.body = needed


# ---- the order within rows


def _order(rows: Rows) -> None:
    """Sweeps by the mean of the neighbours, then neighbours change places while that saves crossings."""
    size = sum(map(len, rows))
    sweeps = 24 if size < MANY else 4
    best: tuple[int, list[list[Member]]] | None = None
    for is_mirrored in (False, True) if size < MANY else (False,):
        for row in rows:
            row.sort(key=lambda member: member.at)
            if is_mirrored:
                row.reverse()
            _number(row)
        for sweep in range(sweeps):
            _sweep(rows, downwards=sweep % 2 == 0)
            if size < MANY:
                _exchange(rows)
            crossings = sum(_crossings(row) for row in rows)
            if best is None or crossings < best[0]:
                best = crossings, [list(row) for row in rows]
            if not crossings:
                break
    for row, kept in zip(rows, best[1] if best else [], strict=True):
        row[:] = kept
        _number(row)


def _number(row: Sequence[Member]) -> None:
    for at, member in enumerate(row):
        member.at = at


def _sweep(rows: Rows, *, downwards: bool) -> None:
    for row in rows if downwards else reversed(rows):
        keys = {id(member): _mean(member.above if downwards else member.below, member.at) for member in row}
        row.sort(key=lambda member: keys[id(member)])
        _number(row)


def _mean(neighbours: Sequence[Member], otherwise: float) -> float:
    return sum(neighbour.at for neighbour in neighbours) / len(neighbours) if neighbours else otherwise


def _crossings(row: Iterable[Member]) -> int:
    """Of the lines from this row to the next."""
    seen: list[int] = []
    crossings = 0
    for member in row:
        ends = sorted(neighbour.at for neighbour in member.below)
        crossings += sum(len(seen) - bisect_right(seen, end) for end in ends)
        for end in ends:
            insort(seen, end)
    return crossings


def _exchange(rows: Rows) -> None:
    for __ in range(6):
        is_better = False
        for row in rows:
            for at in range(len(row) - 1):
                left, right = row[at], row[at + 1]
                if _between(left, right) > _between(right, left):
                    row[at], row[at + 1] = right, left
                    left.at, right.at = at + 1, at
                    is_better = True
        if not is_better:
            return


def _between(left: Member, right: Member) -> int:
    """Crossings of their lines while `left` stands left of `right`."""
    return sum(
        a.at > b.at
        for mine, others in ((left.above, right.above), (left.below, right.below))
        for a in mine
        for b in others
    )
