"""What can go round for ever: a decision about the work that may send it back, again and again."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Problem, edge
from apps.workflows.check.subject import Subject, is_for_system_only
from apps.workflows.definition import EdgeSpec

# State -> where its edges lead, and the first edge that leads there.
Ways = Mapping[str, Mapping[str, EdgeSpec]]


def repeating(subject: Subject) -> Iterator[Problem]:
    """One warning for decisions that lie on one round; a limit on any edge of the way round ends it.

    A decision is a gate, a state left by a signature, or one running state that leads back to another. To pause, to
    stop or to hold work from several states is an interruption: going on after it repeats nothing.
    """
    ways, running = _unlimited(subject), _running(subject)
    among_running = {
        code: {target: way for target, way in ways.get(code, {}).items() if target in running} for code in running
    }
    deciding = _deciding(subject)
    several = _("%(states)s can repeat without a limit. Say how often “%(step)s” may be taken.")
    single = _("%(states)s can be repeated without a limit. Say how often “%(step)s” may be taken.")
    last_word = _("and")
    covered: set[str] = set()
    for code in subject.states:
        if not (code in deciding or code in running) or code in covered:
            continue
        round_ = _shortest_round(code, ways if code in deciding else among_running)
        if not round_:
            continue
        covered |= {source for source, _way in round_}
        back = _way_back(round_, subject)
        states = [subject.called(subject.states[source]) for source, _way in round_]
        words = {"states": get_text_list([f"“{state}”" for state in states], last_word), "step": subject.called(back)}
        sentence = (several if len(states) > 1 else single) % words
        yield edge(back.code).warning(Fault.ENDLESS_LOOP, sentence, "at_most")


def _deciding(subject: Subject) -> set[str]:
    signed = {source for way in subject.definition.edges if way.signature is not None for source in way.sources}
    return subject.of_kind("gate") | signed


def _running(subject: Subject) -> set[str]:
    return {state.code for state in subject.definition.states if state.status in subject.kind.running_statuses}


def _unlimited(subject: Subject) -> Ways:
    held, stopping = subject.kind.held_statuses, subject.kind.stop_statuses
    found: defaultdict[str, dict[str, EdgeSpec]] = defaultdict(dict)
    for way in subject.definition.edges:
        target = subject.states.get(way.target)
        if target is None or way.at_most is not None or is_for_system_only(way) or target.status in stopping:
            continue
        if target.status in held and len(way.sources) > 1:
            continue
        for source in way.sources:
            found[source].setdefault(way.target, way)
    return found


_NOWHERE: Mapping[str, EdgeSpec] = {}


def _shortest_round(start: str, ways: Ways) -> list[tuple[str, EdgeSpec]]:
    """(state, edge that leaves it) from `start` back to it; [] where no way leads back."""
    todo: deque[str] = deque([start])
    came: dict[str, tuple[str, EdgeSpec]] = {}
    while todo:
        state = todo.popleft()
        onward = ways.get(state, _NOWHERE)
        if start in onward:
            return [*_path(start, state, came), (state, onward[start])]
        for target, way in onward.items():
            if target not in came:
                came[target] = (state, way)
                todo.append(target)
    return []


def _path(start: str, state: str, came: Mapping[str, tuple[str, EdgeSpec]]) -> list[tuple[str, EdgeSpec]]:
    path: list[tuple[str, EdgeSpec]] = []
    while state != start:
        state, way = came[state]
        path.append((state, way))
    return path[::-1]


def _way_back(round_: list[tuple[str, EdgeSpec]], subject: Subject) -> EdgeSpec:
    """The edge of the round that leads to a state earlier in the order of screens: there the limit belongs."""
    order = subject.positions
    backward = [way for source, way in round_ if order[way.target] <= order[source]]
    return backward[0] if backward else round_[-1][1]
