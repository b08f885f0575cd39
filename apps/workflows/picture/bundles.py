"""What stands at one line of a picture: the moves between the same states, together, as a short list of words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.workflows.comparing import Mark
from apps.workflows.definition import SYSTEM_ROLE, word
from apps.workflows.picture.ways import Way
from apps.workflows.picture.words import width_of, wrap
from apps.workflows.telling import Names

TEXT = 13.0
SMALL = 12.0
LINE = 17.0
WIDEST = 140.0
# The square with the sign of a difference, and the gap behind it.
TAG = 16.0
TAGGED = TAG + 4.0
# More moves between two states are told by their number; those that differ are always named.
LISTED = 4


@dataclass(frozen=True)
class LabelLine:
    """`mark` and `is_stopped` make a sign before it."""

    words: str
    classes: str
    width: float
    mark: Mark = Mark.SAME
    is_stopped: bool = False

    @property
    def is_tagged(self) -> bool:
        return self.is_stopped or self.mark is not Mark.SAME


@dataclass(frozen=True)
class Bundle:
    """The ways that lead to one state and are the same edges: one line, from each source, with one label.

    `ways` are those of one of the sources: one for each edge.
    """

    key: str
    sources: tuple[str, ...]
    ways: tuple[Way, ...]
    lines: tuple[LabelLine, ...]

    @property
    def target(self) -> str:
        return self.ways[0].target

    @property
    def mark(self) -> Mark:
        """Of the line as a whole: one that was there and stays is the same, whatever else takes it now."""
        marks = {way.mark for way in self.ways}
        return marks.pop() if len(marks) == 1 else Mark.SAME

    @property
    def is_automatic(self) -> bool:
        return all(is_automatic(way) for way in self.ways)

    @property
    def width(self) -> float:
        return max(line.width + TAGGED * line.is_tagged for line in self.lines) + 4

    @property
    def height(self) -> float:
        return LINE * len(self.lines) + 2


def is_automatic(way: Way) -> bool:
    return way.edge.roles == [SYSTEM_ROLE]


def bundled(ways: Iterable[Way], stopped: Collection[str]) -> list[Bundle]:
    """In the order of the ways. Each pair of states has one line at most."""
    between: dict[tuple[str, str], list[Way]] = {}
    for way in ways:
        between.setdefault((way.source, way.target), []).append(way)
    together: dict[tuple[str, tuple[tuple[str, Mark], ...]], list[list[Way]]] = {}
    for (__, target), same in between.items():
        together.setdefault((target, tuple((way.key, way.mark) for way in same)), []).append(same)
    return [
        Bundle(
            key=f"w{number}",
            sources=tuple(same[0].source for same in alike),
            ways=tuple(alike[0]),
            lines=tuple(_lines(alike[0], stopped)),
        )
        for number, alike in enumerate(together.values())
    ]


def _lines(ways: list[Way], stopped: Collection[str]) -> Iterator[LabelLine]:
    special = [way for way in ways if way.mark is not Mark.SAME or way.edge.code in stopped]
    shown = ways if len(ways) <= LISTED else special or ways[: LISTED - 1]
    for way in shown:
        yield from _lines_of(way, is_stopped=way.edge.code in stopped)
    if len(shown) < len(ways):
        rest = len(ways) - len(shown)
        yield _line(_("%(n)s more") % {"n": rest}, "small")


def _lines_of(way: Way, *, is_stopped: bool) -> Iterator[LabelLine]:
    is_plain = way.mark is Mark.SAME
    classes = " ".join([*(["auto"] if is_automatic(way) else []), *([] if is_plain else [f"is-{way.mark}"])])
    for number, text in enumerate(wrap(word(way.edge.labels, way.edge.code), TEXT, WIDEST, is_bold=not is_plain)):
        first = number == 0
        yield _line(text, classes, mark=way.mark if first else Mark.SAME, is_stopped=is_stopped and first)
    if way.changed:
        yield _line(wrap(", ".join(way.changed), SMALL, WIDEST, lines=1)[0], "small is-changed")


def _line(text: str, classes: str, *, mark: Mark = Mark.SAME, is_stopped: bool = False) -> LabelLine:
    is_bold = "is-" in classes
    return LabelLine(text, classes, width_of(text, TEXT, is_bold=is_bold), mark, is_stopped)


def title_of(bundle: Bundle, called: Mapping[str, str], names: Names) -> str:
    """In full: from where to where, and each move with who may take it."""
    sources = ", ".join(called[code] for code in bundle.sources)
    told = [f"{sources} → {called[bundle.target]}"]
    for way in bundle.ways:
        roles = ", ".join(names.roles.get(code, code) for code in way.edge.roles) or _("everybody whose job it is")
        what = {Mark.ADDED: _("added"), Mark.REMOVED: _("removed"), Mark.CHANGED: _("changed"), Mark.SAME: ""}[way.mark]
        told.append(
            f"{word(way.edge.labels, way.edge.code)} ({roles})"
            + (f": {what}" if what else "")
            + (f" ({', '.join(way.changed)})" if way.changed else "")
        )
    return "\n".join(told)
