"""A definition as a picture, alone or against an older one: classes and coordinates, all that the template needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import hypot

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.workflows.comparing import Comparison, Mark
from apps.workflows.definition import Definition, word
from apps.workflows.models.versions import Phases
from apps.workflows.picture.bundles import LINE, TAG, TAGGED, Bundle, LabelLine, bundled, title_of
from apps.workflows.picture.layout import lay_out
from apps.workflows.picture.shapes import Box, Heading, Place, Point, Route, Wire
from apps.workflows.picture.ways import MarkedState, states_of, ways_of
from apps.workflows.picture.words import width_of, wrap
from apps.workflows.telling import Names, Telling

NAME = 14.0
STATUS = 13.0
WIDEST_NAME = 150.0
NARROWEST = 104.0
PAD = 12.0
# Wider pictures keep their size, and are scrolled.
WIDEST_WHOLE = 1_500
WIDEST_BESIDE = 800
CORNER = 6.0
_TIPS = {Heading.DOWN: "l-5 -9h10z", Heading.UP: "l-5 9h10z", Heading.LEFT: "l9 -5v10z"}
SIGNS = {Mark.ADDED: "+", Mark.REMOVED: "\N{MINUS SIGN}", Mark.CHANGED: "~"}
STOPPED = "stopped"


@dataclass(frozen=True)
class Text:
    """`y` is the baseline, `x` the middle, or the beginning where the classes say "start"."""

    x: str
    y: str
    words: str
    classes: str = ""


@dataclass(frozen=True)
class Tag:
    """A square with a sign: its corner, and where the sign stands."""

    what: str
    sign: str
    left: str
    top: str
    x: str
    y: str


@dataclass(frozen=True)
class DrawnState:
    """Paths: `outline` of the box, `inside` of a second one where there is one, `entry` of the arrow from nowhere."""

    code: str
    classes: str
    title: str
    outline: str
    inside: str
    entry: str
    texts: list[Text]
    tags: list[Tag]


@dataclass(frozen=True)
class DrawnWire:
    classes: str
    title: str
    path: str
    tips: str
    joints: list[tuple[str, str]]
    texts: list[Text]
    tags: list[Tag]


@dataclass(frozen=True)
class Drawing:
    """`sentence` says in words what is shown."""

    width: int
    height: int
    states: list[DrawnState]
    wires: list[DrawnWire]
    sentence: str

    @property
    def is_narrow(self) -> bool:
        """A text fits beside it."""
        return self.width <= WIDEST_BESIDE

    @property
    def is_wide(self) -> bool:
        return self.width > WIDEST_WHOLE


def draw(
    definition: Definition,
    *,
    old: Definition | None = None,
    comparison: Comparison | None = None,
    stopped: Collection[str] = (),
    names: Names | None = None,
) -> Drawing:
    """`old` and `comparison` come together; `stopped`: codes of edges that nobody takes for now."""
    telling = Telling(definition.kind, names or Names())
    states = list(states_of(definition, old, comparison))
    bundles = bundled(ways_of(definition, old, comparison), stopped)
    words = {marked.state.code: _words_in(marked, telling) for marked in states}
    # What begins comes first, so that the picture does.
    first = sorted(states, key=lambda marked: marked.state.kind != "initial")
    placed = lay_out(
        [_box(marked.state.code, words[marked.state.code]) for marked in first],
        [Wire(bundle.key, bundle.sources, bundle.target, bundle.width, bundle.height) for bundle in bundles],
    )
    called = {marked.state.code: word(marked.state.labels, marked.state.code) for marked in states}
    return Drawing(
        width=round(placed.width),
        height=round(placed.height),
        states=[
            _state(marked, words[marked.state.code], placed.boxes[marked.state.code], telling) for marked in states
        ],
        wires=[_wire(bundle, placed.routes[bundle.key], title_of(bundle, called, telling.names)) for bundle in bundles],
        sentence=_sentence(definition, comparison),
    )


def _sentence(definition: Definition, comparison: Comparison | None) -> str:
    states, edges = len(definition.states), len(definition.edges)
    told = [
        _("Workflow %(name)s: %(states)s, %(moves)s.")
        % {
            "name": definition.name,
            "states": ngettext("%(n)s state", "%(n)s states", states) % {"n": states},
            "moves": ngettext("%(n)s move", "%(n)s moves", edges) % {"n": edges},
        }
    ]
    if comparison is not None:
        told += [f"{label}: {counts}." for mark, label, counts in legend(comparison)]
        if len(told) == 1:
            told.append(_("No state and no move differs."))
    return " ".join(told)


def legend(comparison: Comparison) -> list[tuple[Mark, str, str]]:
    """What there is of each kind of difference: (added, "added", "2 states, 4 moves")."""
    words = ((Mark.ADDED, _("added")), (Mark.REMOVED, _("removed")), (Mark.CHANGED, _("changed")))
    return [(mark, label, str(counts)) for mark, label in words if (counts := comparison.counts(mark))]


# ---- states


@dataclass(frozen=True)
class _Words:
    """Lines: of the name, and of the fixed status with its phase."""

    name: list[str]
    status: list[str]

    @property
    def height(self) -> float:
        return LINE * (len(self.name) + len(self.status))


def _words_in(marked: MarkedState, telling: Telling) -> _Words:
    state = marked.state
    phase = dict(Phases.choices).get(state.phase, "") if state.phase else ""
    status = capfirst(", ".join(part for part in (telling.status(state.status), str(phase)) if part))
    name = wrap(word(state.labels, state.code), NAME, WIDEST_NAME, is_bold=True)
    return _Words(name, wrap(status, STATUS, WIDEST_NAME))


def _box(code: str, words: _Words) -> Box:
    widths = [width_of(text, NAME, is_bold=True) for text in words.name]
    widths += [width_of(text, STATUS) for text in words.status]
    return Box(code, max(NARROWEST, max(widths) + 2 * PAD), words.height + 14)


def _state(marked: MarkedState, words: _Words, place: Place, telling: Telling) -> DrawnState:
    state = marked.state
    top = place.y - words.height / 2 + 13
    lines = [*((text, "name") for text in words.name), *((text, "status") for text in words.status)]
    texts = [Text(_n(place.x), _n(top + LINE * at), text, classes) for at, (text, classes) in enumerate(lines)]
    told = telling.tell(state)
    title = [f"{state.code}: {word(state.labels, state.code)}"]
    title += [
        f"{told[name].what}: {', '.join(told[name].lines)}" for name in ("status", "kind", "phase") if told[name].lines
    ]
    left, upper = place.x - place.width / 2, place.y - place.height / 2
    return DrawnState(
        code=state.code,
        classes=f"state is-{marked.mark} kind-{state.kind}",
        title="\n".join(title),
        outline=_outline(place, state.kind),
        inside=_inside(place, state.kind),
        entry=_entry(left, place.y) if state.kind == "initial" else "",
        texts=texts,
        tags=[_tag(marked.mark.value, SIGNS[marked.mark], left - 2, upper - 1)] if marked.mark in SIGNS else [],
    )


def _entry(edge: float, y: float) -> str:
    """A dot beside the box, and an arrow into it."""
    dot = f"M{_n(edge - 16)} {_n(y)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z"
    return f"{dot}M{_n(edge - 9)} {_n(y - 0.8)}h3v1.6h-3zM{_n(edge)} {_n(y)}l-7 -4v8z"


def _outline(place: Place, kind: str) -> str:
    """A hold has its corners cut, like the sign at the road."""
    left, right = place.x - place.width / 2, place.x + place.width / 2
    top, bottom = place.y - place.height / 2, place.y + place.height / 2
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    if kind != "hold":
        return _path([*corners, corners[0]], is_closed=True, radius=4)
    cut = 9.0
    points = [
        (left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut),
        (right - cut, bottom), (left + cut, bottom), (left, bottom - cut), (left, top + cut),
    ]  # fmt: skip
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "z"


def _inside(place: Place, kind: str) -> str:
    """A second frame of a final state; two bars of a gate."""
    if kind == "final":
        return _outline(Place(place.x, place.y, place.width - 7, place.height - 7), "")
    if kind == "gate":
        top, height = _n(place.y - place.height / 2), _n(place.height)
        half = place.width / 2 - 6
        return f"M{_n(place.x - half)} {top}v{height}M{_n(place.x + half)} {top}v{height}"
    return ""


# ---- wires


def _wire(bundle: Bundle, route: Route, title: str) -> DrawnWire:
    texts: list[Text] = []
    tags: list[Tag] = []
    for place in route.labels:
        for at, line in enumerate(bundle.lines):
            baseline = place.y - place.height / 2 + 1 + LINE * at + 13
            text, tag = _label(line, place.x, baseline)
            texts.append(text)
            tags += tag
    return DrawnWire(
        classes=f"wire is-{bundle.mark}" + (" auto" if bundle.is_automatic else ""),
        title=title,
        path="".join(_path(line, radius=CORNER) for line in route.lines),
        tips="".join(f"M{_n(x)} {_n(y)}{_TIPS[heading]}" for (x, y), heading in _once(route.arrows)),
        joints=[(_n(x), _n(y)) for x, y in route.joints],
        texts=texts,
        tags=tags,
    )


def _once(arrows: Iterable[tuple[Point, Heading]]) -> list[tuple[Point, Heading]]:
    """Lines that meet before the tip share it."""
    return list(dict.fromkeys(arrows))


def _label(line: LabelLine, x: float, baseline: float) -> tuple[Text, list[Tag]]:
    if not line.is_tagged:
        return Text(_n(x), _n(baseline), line.words, line.classes), []
    left = x - (line.width + TAGGED) / 2
    what, sign = (STOPPED, "\N{MULTIPLICATION SIGN}") if line.is_stopped else (line.mark.value, SIGNS[line.mark])
    text = Text(_n(left + TAGGED), _n(baseline), line.words, f"start {line.classes}")
    return text, [_tag(what, sign, left + TAG / 2, baseline - 5)]


def _tag(what: str, sign: str, x: float, y: float) -> Tag:
    return Tag(what, sign, _n(x - TAG / 2), _n(y - TAG / 2), _n(x), _n(y + 5))


# ---- paths


def _path(points: Sequence[Point], *, radius: float, is_closed: bool = False) -> str:
    """With its corners rounded; points that lie on a straight line are left out."""
    corners = list(_corners(points))
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    if is_closed:
        start = _toward(points[0], points[1], radius)
        parts = [f"M{_n(start[0])} {_n(start[1])}"]
        corners.append((points[-2], points[0], points[1]))
    for before, corner, after in corners:
        room = min(radius, _length(before, corner) / 2, _length(corner, after) / 2)
        (x1, y1), (x2, y2) = _toward(corner, before, room), _toward(corner, after, room)
        parts.append(f"L{_n(x1)} {_n(y1)}Q{_n(corner[0])} {_n(corner[1])} {_n(x2)} {_n(y2)}")
    return "".join(parts) + ("z" if is_closed else f"L{_n(points[-1][0])} {_n(points[-1][1])}")


def _corners(points: Sequence[Point]) -> Iterator[tuple[Point, Point, Point]]:
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if _length(before, corner) > 0.1 and _length(corner, after) > 0.1:
            yield before, corner, after


def _length(a: Point, b: Point) -> float:
    return hypot(b[0] - a[0], b[1] - a[1])


def _toward(start: Point, end: Point, distance: float) -> Point:
    share = distance / (_length(start, end) or 1.0)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _n(value: float) -> str:
    """A tenth of a pixel is enough, and short."""
    return f"{round(value, 1):g}"
