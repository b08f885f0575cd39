"""Where in its row everything stands: as near to what it is connected with as its neighbours let it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from apps.workflows.picture.shapes import MANY, Member, Part, Rows

# Pixels between two members of a row, by how much each of them wants on its side.
_ROOM = {Part.BOX: 16.0, Part.LABEL: 8.0, Part.TRUNK: 6.0}
# How much each of them insists on its place: what is straight is seen at once.
_WEIGHT = {Part.BOX: 2.0, Part.LABEL: 1.0, Part.TRUNK: 3.0}
# A line enters a box at least so far from its corner.
CORNER = 14.0
_ROUNDS = 16
_FEW_ROUNDS = 6


def assign_columns(rows: Rows) -> None:
    """Sets x of every member; those of a row keep their order and their distances."""
    members = [member for row in rows for member in row]
    rounds = _ROUNDS if len(members) < MANY else _FEW_ROUNDS
    spaced = [_Spaced.of(row) for row in rows]
    for row in spaced:
        width = sum(member.width for member in row.members)
        row.settle([member.at * width / len(row.members) - width / 2 for member in row.members])
    for number in range(rounds):
        is_down = number % 2 == 0
        for row in spaced if is_down else reversed(spaced):
            row.settle([_wish(member, is_down=is_down, is_last=number >= rounds - 3) for member in row.members])
    for chain in sorted(_chains(rows), key=len, reverse=True):
        _straighten(rows, chain)


@dataclass(frozen=True)
class _Spaced:
    """A row with what stays while its members move."""

    members: Sequence[Member]
    distances: Sequence[float]
    weights: Sequence[float]

    @classmethod
    def of(cls, row: Sequence[Member]) -> _Spaced:
        distances = [_distance(left, right) for left, right in pairwise(row)]
        return cls(row, distances, [_WEIGHT[member.part] for member in row])

    def settle(self, wishes: Sequence[float]) -> None:
        for member, x in zip(self.members, spread(wishes, self.distances, self.weights), strict=True):
            member.x = x


def _wish(member: Member, *, is_down: bool, is_last: bool) -> float:
    everything = member.above + member.below
    near = everything if is_last else (member.above if is_down else member.below) or everything
    if not near:
        return member.x
    shift = member.x - member.middle
    return sum(_where(member, neighbour) for neighbour in near) / len(near) + shift


def _where(member: Member, neighbour: Member) -> float:
    """Anywhere over a box is as good as its middle."""
    if neighbour.part is not Part.BOX:
        return neighbour.x
    reach = neighbour.body / 2 - CORNER
    return min(max(member.x, neighbour.middle - reach), neighbour.middle + reach)


def _distance(left: Member, right: Member) -> float:
    return (left.width + right.width) / 2 + _ROOM[left.part] + _ROOM[right.part]


def spread(
    wishes: Sequence[float],
    distances: Sequence[float],
    weights: Sequence[float],
    *,
    lowest: float = float("-inf"),
    highest: float = float("inf"),
) -> list[float]:
    """The places nearest to the wishes (least squares) that keep the order and the distances between neighbours.

    Without the distances it is isotonic regression: neighbours that wish to pass each other share one place.
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # place, weight, how many
    for wish, offset, weight in zip(wishes, offsets, weights, strict=False):
        place, total, count = wish - offset, weight, 1
        while blocks and blocks[-1][0] >= place:
            before, heavier, more = blocks.pop()
            place = (place * total + before * heavier) / (total + heavier)
            total, count = total + heavier, count + more
        blocks.append((place, total, count))
    places = [place for place, __, count in blocks for __ in range(count)]
    top = highest - offsets[len(places) - 1] if places else highest
    return [max(lowest, min(place, top)) + offset for place, offset in zip(places, offsets, strict=False)]


# ---- long lines are straight


def _chains(rows: Rows) -> Iterator[list[Member]]:
    """A label and the trunks that lead on from it."""
    for row in rows:
        for member in row:
            if member.part is not Part.LABEL:
                continue
            chain = [member]
            while True:
                near = chain[-1].above + chain[-1].below
                onward = next((one for one in near if one.part is Part.TRUNK and one not in chain[-2:]), None)
                if onward is None:
                    break
                chain.append(onward)
            if len(chain) > 1:
                yield chain


def _straighten(rows: Rows, chain: Sequence[Member]) -> None:
    """As many of them below each other, from the label on, as their neighbours let."""
    start = 0
    while start < len(chain):
        low, high, end = float("-inf"), float("inf"), start
        while end < len(chain):
            least, most = leeway(rows, chain[end])
            if max(low, least) > min(high, most):
                break
            low, high, end = max(low, least), min(high, most), end + 1
        end = max(end, start + 1)
        if low <= high:
            x = min(max(median(member.x for member in chain[start:end]), low), high)
            for member in chain[start:end]:
                member.x = x
        start = end


def leeway(rows: Rows, member: Member) -> tuple[float, float]:
    row = rows[member.row]
    left = row[member.at - 1] if member.at else None
    right = row[member.at + 1] if member.at + 1 < len(row) else None
    return (
        left.x + _distance(left, member) if left else float("-inf"),
        right.x - _distance(member, right) if right else float("inf"),
    )
