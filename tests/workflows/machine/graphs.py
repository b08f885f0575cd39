"""Workflows for things, drawn at random: sound ones by construction, and the same with one fault in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from tests.workflows.checking.test_graph_and_edges import cel, row
from tests.workflows.testapp.kinds import MOVES
from tests.workflows.workshop import TORQUE, _edge, _state, typed

Content = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """fault  what is wrong with it, so that it must never be published; empty: it is sound"""

    content: Content
    fault: str = ""

    def __repr__(self) -> str:
        edges = [f"{e['code']}: {'|'.join(e['sources'])} -> {e['target']}" for e in self.content["edges"]]
        return f"<{self.fault or 'sound'}: {'; '.join(edges)}>"


# ---- what an edge may ask for besides its place in the graph

CHEAP, RIGHT = "quantity < 4.0 || tags.exists(t, t == 'blue')", "inputs.torque > quantity + 9.0"
# The same by another road: what CEL answers is judged by Python.
EXPRESSIONS: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    CHEAP: lambda read, inputs: read["quantity"] < 4 or "blue" in read["tags"],
    RIGHT: lambda read, inputs: inputs["torque"] > read["quantity"] + 9,
}
MAYBE_TORQUE = {**TORQUE, "required": False}
GUARDS: list[Content] = [
    *[{}] * 5,
    row("quantity", "<", 6),
    row("quantity", ">=", 1),
    row("quantity", "in", [0, 1, 2, 4, 7, 8]),
    row("is_locked", "=", False),
    row("tags", "not empty"),
    row("name", "!=", "locked"),
    cel(CHEAP),
    {"inputs": [TORQUE], **cel(RIGHT)},
    {"inputs": [TORQUE], **row("inputs.torque", ">=", 13)},
    {"inputs": [MAYBE_TORQUE], **row("inputs.torque", "not empty")},
    {"inputs": [typed("fine", "boolean")], **row("inputs.fine", "=", True)},
    {"inputs": [typed("lot", "lot"), typed("note", "text", required=False)]},
    {"inputs": [typed("why", "choice", reason_purpose="pause")], **row("inputs.why", "in", ["lunch", "tea"])},
    {"reason_required": True, "reason_purpose": "pause"},
]
NEVER: list[Content] = [row("broken", "=", 1), {"effects": [{"code": "fail", "parameters": {"how": "refuse"}}]}]
ROLES = [
    ["operator", "visitor"],
    ["operator", "line_lead"],
    ["line_lead"],
    ["inspector", "operator"],
    ["system", "operator"],
    [],
]
RING = {"code": "ring", "parameters": {"text": "moved"}}
MEANING = {"en": "I have looked at it", "de": "Ich habe es angesehen"}

guards, role_lists = st.sampled_from(GUARDS), st.sampled_from(ROLES)
limits = st.sampled_from([None, None, None, 1, 1, 2, 3])
skills, effects = st.sampled_from([[], [], [], ["welding"]]), st.sampled_from([[], [], [RING]])
is_so = st.booleans()


@st.composite
def _signatures(draw: st.DrawFn, codes: list[str]) -> Content | None:
    if draw(st.integers(0, 4)):
        return None
    barring = draw(st.lists(st.sampled_from(codes), max_size=1))
    signers = 1 if barring else draw(st.integers(1, 2))
    return {"meaning": MEANING, "signers": signers, "not_same_as": barring, "credentials": False}


# ---- sound graphs


@st.composite
def sound_graphs(draw: st.DrawFn) -> Drawn:
    """A way from the beginning to the end, states beside it, more edges across; what is asked for at each."""
    way = ["waiting", "ready", *(["ready_2"] if draw(is_so) else []), "running"]
    way += [*(["running_2"] if draw(is_so) else []), "completed", "closed"]
    beside = [code for code in ("paused", "held", "cancelled") if draw(is_so)]
    statuses = {code: {"paused": "suspended"}.get(code, code.removesuffix("_2")) for code in (*way, *beside)}
    kinds = {"waiting": "initial", "held": "hold", "closed": "final", "cancelled": "final"}
    states = [_state(code, status, kinds.get(code, "normal")) for code, status in statuses.items()]
    edges = [*_along(draw, way), *_beside(draw, statuses), *_across(draw, statuses)]
    codes = [edge["code"] for edge in edges]
    for number, edge in enumerate(edges):
        edge.update(draw(_asked(codes, is_on_the_way=number < len(way) - 1)))
        if edge["sources"] == [edge["target"]]:
            edge["at_most"] = draw(st.integers(1, 2))
        if "held" in edge["sources"]:
            edge.update(roles=edge["roles"] or ["line_lead"], reason_required=True, reason_purpose="pause")
    for state in states:
        state["is_safe"] = draw(is_so)
        if state["kind"] == "normal" and cuts_off(edges, state["code"]) and draw(is_so):
            state["kind"] = "gate"
    return Drawn({"kind": "thing", "code": "thing", "name": "Things", "states": states, "edges": edges})


def _along(draw: st.DrawFn, way: list[str]) -> list[Content]:
    """Several steps may share a code: which edge it is depends on the state."""
    is_shared = draw(is_so)
    return [_edge("go" if is_shared else f"to_{target}", [source], target) for source, target in pairwise(way)]


def _beside(draw: st.DrawFn, statuses: dict[str, str]) -> list[Content]:
    def of(*wanted: str) -> list[str]:
        found = [code for code, status in statuses.items() if status in wanted]
        return draw(st.lists(st.sampled_from(found), min_size=1, max_size=3, unique=True))

    edges = []
    if "paused" in statuses:
        edges += [_edge("pause", of("running"), "paused"), _edge("resume", ["paused"], of("running")[0])]
    if "held" in statuses:
        edges += [_edge("hold", of("ready", "running"), "held"), _edge("release", ["held"], of("ready")[0])]
    if "cancelled" in statuses:
        edges.append(_edge("cancel", of("waiting", "ready"), "cancelled"))
    return edges


def _across(draw: st.DrawFn, statuses: dict[str, str]) -> list[Content]:
    """Wherever the kind lets things go; half of them lead back to where they start."""
    lasting = [code for code, status in statuses.items() if status not in ("closed", "cancelled")]
    edges = []
    for number in range(draw(st.integers(1, 4))):
        source = draw(st.sampled_from(lasting))
        targets = [
            code for code, status in statuses.items() if status == statuses[source] or status in MOVES[statuses[source]]
        ]
        target = source if draw(is_so) else draw(st.sampled_from(targets))
        edges.append(_edge(f"across_{number}", [source], target))
    return edges


@st.composite
def _asked(draw: st.DrawFn, codes: list[str], *, is_on_the_way: bool) -> Content:
    found = {"roles": draw(role_lists), "effects": draw(effects), **copy.deepcopy(draw(guards))}
    if not is_on_the_way:
        found |= {"at_most": draw(limits), "skills": draw(skills)}
        if not draw(st.integers(0, 9)):
            found |= copy.deepcopy(draw(st.sampled_from(NEVER)))
    signature = draw(_signatures(codes))
    return found | ({"signature": signature, "skills": []} if signature else {})


def cuts_off(edges: list[Content], code: str) -> bool:
    """Whether "closed" can't be reached without coming by here."""
    seen, todo = set(), ["waiting"]
    while todo:
        here = todo.pop()
        if here != code and here not in seen:
            seen.add(here)
            todo += [edge["target"] for edge in edges if here in edge["sources"]]
    return "closed" not in seen


# ---- faults


def _adding(*parts: Content) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for part in copy.deepcopy(parts):
            content["edges" if "sources" in part else "states"].append(part)

    return change


def _first(**otherwise: Any) -> Callable[[Content], None]:
    """The first edge of the way with something else about it."""
    return lambda content: content["edges"][0].update(copy.deepcopy(otherwise))


def _state_with(code: str, **otherwise: Any) -> Callable[[Content], None]:
    return lambda content: next(s for s in content["states"] if s["code"] == code).update(otherwise)


def _parked(*roles: str, **more: Any) -> Callable[[Content], None]:
    into, out = _edge("park", ["running"], "parked"), _edge("unpark", ["parked"], "ready", *roles, **more)
    return _adding(_state("parked", "held", "hold"), into, out)


def _detour(kind: str) -> tuple[Content, ...]:
    return (
        _state("aside", "running", kind),
        _edge("go_aside", ["running"], "aside"),
        _edge("back", ["aside"], "running"),
    )


SIGNED = {"meaning": MEANING, "signers": 1, "credentials": False}
FAULTS: dict[str, Callable[[Content], None]] = {
    "from running to the end at once": _adding(_edge("jump", ["running"], "closed")),
    "back from completed": _adding(_edge("rework", ["completed"], "running")),
    "a dead end": _adding(_state("stuck", "suspended"), _edge("get_stuck", ["running"], "stuck")),
    "nothing leads there": _adding(_state("lost", "ready"), _edge("find", ["lost"], "running")),
    "two beginnings": _adding(_state("other", "waiting", "initial"), _edge("begin", ["other"], "ready")),
    "on after the end": _adding(_edge("again", ["closed"], "closed")),
    "an edge to nowhere": _adding(_edge("leave", ["running"], "nowhere")),
    "the same edge twice": lambda content: content["edges"].append(copy.deepcopy(content["edges"][0])),
    "a gate with a way round": _adding(*_detour("gate")),
    "released by anybody": _parked(reason_required=True),
    "released without a word": _parked("line_lead"),
    "held, but no hold": _adding(
        _state("shelf", "held"), _edge("shelve", ["running"], "shelf"), _edge("unshelve", ["shelf"], "ready")
    ),
    "begins ready": _state_with("waiting", status="ready"),
    "ends completed": _state_with("closed", status="completed"),
    "unknown status": _state_with("running", status="flying"),
    "unknown role": _first(roles=["pilot"]),
    "unknown skill": _first(skills=["flying"]),
    "unknown field": _first(**row("height", ">", 3)),
    "unknown effect": _first(effects=[{"code": "explode", "parameters": {}}]),
    "effect without its form": _first(effects=[{"code": "ring", "parameters": {}}]),
    "a name below a number": _first(**row("name", "<", 5)),
    "no yes and no no": _first(**cel("quantity + 1.0")),
    "a guard without a word": _first(**row("quantity", ">", 3, "")),
    "an input twice": _first(inputs=[TORQUE, TORQUE]),
    "low above high": _first(inputs=[{**TORQUE, "low": 15}]),
    "a choice of nothing": _first(inputs=[typed("why", "choice", reason_purpose="hunger")]),
    "signed by the system": _first(roles=["system"], signature=SIGNED),
    "nobody but who took what is not there": _first(signature={**SIGNED, "not_same_as": ["nothing_of_this_name"]}),
    "more signers than people": _first(roles=["line_lead"], skills=[], signature={**SIGNED, "signers": 5}),
}


@st.composite
def faulty_graphs(draw: st.DrawFn) -> Drawn:
    content, fault = copy.deepcopy(draw(sound_graphs()).content), draw(st.sampled_from(sorted(FAULTS)))
    FAULTS[fault](content)
    return Drawn(content, fault)


graphs = st.one_of(sound_graphs(), faulty_graphs())
