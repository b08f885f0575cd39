"""What differs between two definitions of one workflow: states, edges, and what all of it is for; in words.

Pure: it reads the two values, and the declarations in code for what a status or an effect is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import BaseModel

from apps.workflows.definition import Definition, EdgeSpec, StateSpec, word
from apps.workflows.telling import Names, Telling, in_full


class Mark(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class DiffLine:
    """In the old text only (-), in the new one only (+), or in both."""

    sign: Literal["+", "-", " "]
    text: str


@dataclass(frozen=True)
class FieldChange:
    """`name` is the field's, `what` the word for it; the lines of both values, the shared ones among them."""

    name: str
    what: str
    lines: tuple[DiffLine, ...]

    @property
    def replaces(self) -> tuple[str, str] | None:
        """The old line and the new one, where one has become another."""
        signs = "".join(line.sign for line in self.lines)
        return (self.lines[0].text, self.lines[1].text) if signs == "-+" else None


Part = Literal["workflow", "state", "edge"]


@dataclass(frozen=True)
class Change:
    """
    key     as of `keyed`
    code    in the new version; of what was removed, in the old one
    was     the old code, where the new version knows it by another
    name    what people call it
    fields  what differs; of what was added or removed, all that it says
    """

    mark: Mark
    part: Part
    key: str
    code: str
    name: str
    fields: tuple[FieldChange, ...]
    was: str = ""


@dataclass(frozen=True)
class Counts:
    states: int
    edges: int

    def __bool__(self) -> bool:
        return bool(self.states or self.edges)

    def __str__(self) -> str:
        states = ngettext("%(n)s state", "%(n)s states", self.states) % {"n": self.states}
        edges = ngettext("%(n)s move", "%(n)s moves", self.edges) % {"n": self.edges}
        return ", ".join(words for count, words in ((self.states, states), (self.edges, edges)) if count)


@dataclass(frozen=True)
class Comparison:
    """In the order of the new version, what was removed behind. `renamed_…`: old code -> new code."""

    workflow: tuple[Change, ...]
    states: tuple[Change, ...]
    edges: tuple[Change, ...]
    renamed_states: Mapping[str, str]
    renamed_edges: Mapping[str, str]

    @property
    def changes(self) -> tuple[Change, ...]:
        return *self.workflow, *self.states, *self.edges

    def __bool__(self) -> bool:
        return bool(self.changes)

    def counts(self, mark: Mark) -> Counts:
        return Counts(*(sum(change.mark is mark for change in changes) for changes in (self.states, self.edges)))


def compare(old: Definition, new: Definition, names: Names | None = None) -> Comparison:
    """Empty exactly when nothing differs, the name of the workflow included."""
    called = {state.code: word(state.labels, state.code) for state in (*old.states, *new.states)}
    telling = Telling(new.kind, names or Names(), called)
    states = _renamed(old.states, new.states)
    before = [_with_states(edge, states, new.states) for edge in old.edges]
    edges = _renamed(before, new.edges)
    return Comparison(
        workflow=tuple(_of_the_whole(old, new, telling)),
        states=tuple(_changes("state", old.states, new.states, states, telling)),
        edges=tuple(_changes("edge", before, new.edges, edges, telling)),
        renamed_states=states,
        renamed_edges=edges,
    )


Spec = TypeVar("Spec", bound=StateSpec | EdgeSpec)


def _renamed(old: Sequence[Spec], new: Sequence[Spec]) -> dict[str, str]:
    """Where a code is gone and exactly one new code says the same as it did, and nothing else that is gone did.

    Codes that several share are left alone: which of them is meant can't be told.
    """
    old_codes, new_codes = Counter(one.code for one in old), Counter(one.code for one in new)
    gone = _by_content(one for one in old if old_codes[one.code] == 1 and one.code not in new_codes)
    come = _by_content(one for one in new if new_codes[one.code] == 1 and one.code not in old_codes)
    return {
        codes[0]: come[content][0]
        for content, codes in gone.items()
        if len(codes) == 1 and len(come.get(content, ())) == 1
    }


def _by_content(specs: Iterable[StateSpec | EdgeSpec]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for spec in specs:
        found.setdefault(spec.model_dump_json(exclude={"code"}), []).append(spec.code)
    return found


def _with_states(edge: EdgeSpec, renamed: Mapping[str, str], states: Sequence[StateSpec]) -> EdgeSpec:
    """The edge as it would stand in the new version: its states by their new codes, in the new order."""
    order = {state.code: position for position, state in enumerate(states)}
    sources = [renamed.get(code, code) for code in edge.sources]
    sources.sort(key=lambda code: order.get(code, len(order)))
    return edge.model_copy(update={"sources": sources, "target": renamed.get(edge.target, edge.target)})


def _changes(
    part: Part, old: Sequence[Spec], new: Sequence[Spec], renamed: Mapping[str, str], telling: Telling
) -> Iterator[Change]:
    before, after = keyed(old, renamed), keyed(new)
    moved = _moved([key for key in before if key in after], [key for key in after if key in before])
    called = {key: word(spec.labels, spec.code) for key, spec in after.items()}
    for key, spec in after.items():
        earlier = before.get(key)
        if earlier is None:
            yield _whole(Mark.ADDED, part, key, spec, telling)
            continue
        fields = list(_code_changed(earlier.code, spec.code))
        fields += field_changes(earlier, spec, telling)
        if key in moved:
            places = ([_after(place, called)] for place in moved[key])
            fields.append(FieldChange("order", _("order on screens"), _diff(*places)))
        if fields:
            was = earlier.code if earlier.code != spec.code else ""
            yield Change(Mark.CHANGED, part, key, spec.code, called[key], tuple(fields), was)
    for key, gone in before.items():
        if key not in after:
            yield _whole(Mark.REMOVED, part, key, gone, telling)


def keyed(specs: Sequence[Spec], renamed: Mapping[str, str] = MappingProxyType({})) -> dict[str, Spec]:
    """By code as the new version has it; of edges that share one, the second is "code 2"."""
    found: dict[str, Spec] = {}
    seen: Counter[str] = Counter()
    for spec in specs:
        code = renamed.get(spec.code, spec.code)
        seen[code] += 1
        found[numbered(code, seen[code])] = spec
    return found


def numbered(code: str, occurrence: int) -> str:
    return code if occurrence == 1 else f"{code} {occurrence}"


def _whole(mark: Mark, part: Part, key: str, spec: StateSpec | EdgeSpec, telling: Telling) -> Change:
    sign: Literal["+", "-"] = "+" if mark is Mark.ADDED else "-"
    fields = tuple(
        FieldChange(told.name, told.what, tuple(DiffLine(sign, line) for line in told.lines))
        for told in telling.tell(spec).values()
        if told.lines
    )
    return Change(mark, part, key, spec.code, word(spec.labels, spec.code), fields)


def _code_changed(old: str, new: str) -> Iterator[FieldChange]:
    if old != new:
        yield FieldChange("code", _("code"), _diff([old], [new]))


def field_changes(old: BaseModel, new: BaseModel, telling: Telling, names: Iterable[str] = ()) -> Iterator[FieldChange]:
    """What both say is left out. `names`: of the fields that count; all but the code when left out."""
    told_old, told_new = telling.tell(old), telling.tell(new)
    for name in names or told_new:
        values = getattr(old, name), getattr(new, name)
        if values[0] == values[1]:
            continue
        lines = told_old[name].lines, told_new[name].lines
        if lines[0] == lines[1]:
            lines = in_full(values[0]), in_full(values[1])
        yield FieldChange(name, told_new[name].what, _diff(*lines))


def _of_the_whole(old: Definition, new: Definition, telling: Telling) -> Iterator[Change]:
    fields = tuple(field_changes(old, new, telling, ["name", "applies_to"]))
    if fields:
        yield Change(Mark.CHANGED, "workflow", new.code, new.code, new.name, fields)


def _diff(old: Sequence[str], new: Sequence[str]) -> tuple[DiffLine, ...]:
    lines: list[DiffLine] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [DiffLine(" ", text) for text in old[a:b]]
        else:
            lines += [DiffLine("-", text) for text in old[a:b]]
            lines += [DiffLine("+", text) for text in new[c:d]]
    return tuple(lines)


# ---- order


def _moved(old: Sequence[str], new: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of the same codes in another order, those that changed places: behind which code they stood, and stand."""
    if list(old) == list(new):
        return {}
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    kept = {new[at] for block in blocks for at in range(block.b, block.b + block.size)}
    behind = [dict(zip(codes, ["", *codes], strict=False)) for codes in (old, new)]
    return {code: (behind[0][code], behind[1][code]) for code in new if code not in kept}


def _after(code: str, called: Mapping[str, str]) -> str:
    return _("after “%(name)s”") % {"name": called.get(code, code)} if code else _("first")
