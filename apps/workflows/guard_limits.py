"""How far an expression may go: its form before it is compiled, its work before it runs.

The engine of CEL knows no bounds of its own and is not interrupted, so what could run long is refused beforehand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters
from typing import Any, NamedTuple

MAX_LENGTH = 500
MAX_LIST = 1_000
MAX_TEXT = 2_000
MAX_DEPTH = 20
MAX_PATTERN = 100
MAX_PATTERNS = 3
# Backslashes and counted repetitions of all patterns of an expression: a Unicode class costs a millisecond to compile,
# and a repetition multiplies it.
MAX_PATTERN_WEIGHT = 24

INPUTS = "inputs"
# What an expression may name besides plain fields, as "inputs.torque": what was typed at an edge; the event that a rule
# follows, and the item that it is about.
NAMESPACES = frozenset({INPUTS, "event", "subject"})
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
# Those that copy all that they have gathered at each step.
_GATHERING = frozenset({"map", "filter"})
FUNCTIONS = MACROS | {
    "has", "size", "startsWith", "endsWith", "contains", "matches", "int", "double", "string", "timestamp", "duration",
    "getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes",
}  # fmt: skip
WORDS = frozenset({"true", "false", "null", "in"})

# ---- its parts

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<number>\d[\w.]*)|(?P<word>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])|(?P<other>.)""",
    re.DOTALL,
)
_SIGNS = re.compile(r"[\w\-+*/%<>!?:.,()\[\]{}]", re.ASCII)
_LETTERS = frozenset(f"{ascii_letters}_")
_TEXT = '""'
_PREFIXES = frozenset({"r", "b", "rb", "br", _TEXT})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


class _Parts(NamedTuple):
    """Without blanks; of `tokens`, a text is just its quotes."""

    tokens: tuple[str, ...]
    written: tuple[str, ...]


@lru_cache(maxsize=2048)
def _parts(expression: str) -> _Parts:
    found = [match for match in _TOKEN.finditer(expression) if match.lastgroup != "space"]
    return _Parts(
        tokens=tuple(_TEXT if match.lastgroup == "text" else match.group() for match in found),
        written=tuple(match.group() for match in found),
    )


def tokens_of(expression: str) -> tuple[str, ...]:
    """Without blanks; a text is just its quotes."""
    return _parts(expression).tokens


def is_name(token: str) -> bool:
    return token[0] in _LETTERS


def macros(tokens: tuple[str, ...]) -> list[int]:
    """Positions of macro names: `.all(`."""
    return [
        at
        for at in range(1, len(tokens) - 1)
        if tokens[at] in MACROS and tokens[at - 1] == "." and tokens[at + 1] == "("
    ]


def _body(tokens: tuple[str, ...]) -> tuple[int, int]:
    """From the opening bracket of the macro to the closing one; (0, 0) without a macro."""
    found = macros(tokens)
    if not found:
        return 0, 0
    begin, depth = found[0] + 1, 0
    for at in range(begin, len(tokens)):
        depth += (tokens[at] in _OPENING) - (tokens[at] in _CLOSING)
        if depth == 0:
            return begin, at
    return begin, len(tokens)


# ---- the form


def limits_broken(expression: str) -> list[str]:
    """In words; [] when it may be compiled."""
    problems = []
    if len(expression) > MAX_LENGTH:
        problems.append(f"it has {len(expression)} characters; {MAX_LENGTH} are allowed")
        return problems
    tokens = tokens_of(expression)
    problems += [f"{token!r} is not allowed" for token in tokens if len(token) == 1 and not _SIGNS.fullmatch(token)][:1]
    following = list(zip(tokens, [*tokens, ""][1:], strict=True))
    # A raw or triple-quoted text ends elsewhere than it seems to here, and could hide a macro.
    if any(after == _TEXT and before.lower() in _PREFIXES for before, after in following):
        problems.append("a text is written in plain quotes")
    if ("/", "/") in following:
        problems.append("an expression has no comments")
    if _depth(tokens) > MAX_DEPTH:
        problems.append(f"brackets are nested deeper than {MAX_DEPTH}")
    called = {token for token, after in following if after == "(" and is_name(token)}
    problems += [f"{name}() is no known function" for name in sorted(called - FUNCTIONS - WORDS)]
    if len(macros(tokens)) > 1:
        problems.append(f"only one of {', '.join(sorted(MACROS))} is allowed in an expression")
    problems += _bare_namespaces(following)
    return problems + _patterns_broken(_parts(expression), _body(tokens))


def _bare_namespaces(following: list[tuple[str, str]]) -> list[str]:
    before = ["", *(token for token, _after in following)]
    bare = sorted(
        token
        for (token, after), dot in zip(following, before, strict=False)
        if token in NAMESPACES and after != "." and dot != "."
    )
    return [
        "an input is written as inputs.name" if space == INPUTS else f"{space} is written with a name: {space}.name"
        for space in bare
    ]


def _depth(tokens: Iterable[str]) -> int:
    depth = deepest = 0
    for token in tokens:
        depth += (token in _OPENING) - (token in _CLOSING)
        deepest = max(deepest, depth)
    return deepest


# ---- patterns of matches()

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COUNT = re.compile(r"\{(\d*),?(\d*)\}")


def _patterns_broken(parts: _Parts, body: tuple[int, int]) -> list[str]:
    tokens = parts.tokens
    at_matches = [at for at, token in enumerate(tokens) if token == "matches" and tokens[at + 1 : at + 2] == ("(",)]  # noqa: S105
    if len(at_matches) > MAX_PATTERNS:
        return [f"matches() is there {len(at_matches)} times; {MAX_PATTERNS} are allowed"]
    weight = 0
    for at in at_matches:
        if tokens[at - 1 : at + 4] != (".", "matches", "(", _TEXT, ")"):
            return ["the pattern of matches() is one text in quotes: name.matches('[A-Z]+')"]
        if body[0] < at < body[1]:
            return ["matches() is not allowed for each of a list; use startsWith(), endsWith() or contains()"]
        written = parts.written[at + 2][1:-1]
        problem = _pattern_broken(written)
        if problem:
            return [problem]
        pattern = _ESCAPE.sub(r"\1", written)
        weight += pattern.count("\\") + sum(int(high or low or 0) for low, high in _COUNT.findall(pattern))
    if weight > MAX_PATTERN_WEIGHT:
        return [
            f"the patterns of matches() repeat too much: {weight} classes and counts; {MAX_PATTERN_WEIGHT} are allowed"
        ]
    return []


def _pattern_broken(written: str) -> str:
    """An escape of CEL's own could hide a brace; a counted group or flags could multiply what is counted here."""
    if len(written) > MAX_PATTERN:
        return f"a pattern has {len(written)} characters; {MAX_PATTERN} are allowed"
    if any(escaped not in "\\'\"" for escaped in _ESCAPE.findall(written)):
        return "in a pattern a backslash is written twice: '\\\\d'"
    pattern = _ESCAPE.sub(r"\1", written)
    if any(part in pattern for part in ("){", "}{", "*{", "+{", "?{")):
        return "in a pattern only a single character is repeated by count"
    if re.search(r"\(\?(?!:|i\))", pattern):
        return "a pattern has no flags but (?i)"
    if re.search(r"\{\d{3,}|,\d{3,}\}", pattern):
        return "a pattern repeats too often"
    return ""


# ---- the work


@dataclass(frozen=True)
class _Shape:
    """`inside`: names in the body of the macro, with how often; `steps`: tokens of the body."""

    macro: str
    steps: int
    tokens: int
    inside: Mapping[str, int]
    outside: Mapping[str, int]
    adds: bool


@lru_cache(maxsize=2048)
def _shape(expression: str) -> _Shape:
    tokens = tokens_of(expression)
    found = macros(tokens)
    begin, end = _body(tokens)
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    for at, token in enumerate(tokens):
        if not is_name(token) or (at > 0 and tokens[at - 1] == "."):
            continue
        is_member = token in NAMESPACES and at + 2 < len(tokens)
        (inside if begin < at < end else outside)[f"{token}.{tokens[at + 2]}" if is_member else token] += 1
    if found:
        # The macro's own variable weighs as much as one of its list.
        inside["*"] = inside.pop(tokens[found[0] + 2], 0) if found[0] + 2 < len(tokens) else 0
    macro = tokens[found[0]] if found else ""
    return _Shape(macro, end - begin, len(tokens), inside, outside, "+" in tokens)


def work(expression: str, values: Mapping[str, Any]) -> int:
    """Steps of the engine at most, some 0.05 us each; `values` by name, those of a namespace with it."""
    shape = _shape(expression)
    if not shape.macro and not shape.adds and not any(isinstance(value, list) for value in values.values()):
        return shape.tokens
    weights = {name: _weight(value) for name, value in values.items()}
    outside = _sum(shape.outside, weights)
    if shape.adds:
        # Each sum is a copy of what stands left of it.
        outside *= max(1, sum(shape.outside.values()))
    if not shape.macro:
        return shape.tokens + outside
    lengths = {name: len(value) for name, value in values.items() if isinstance(value, list)}
    rounds = shape.tokens + _sum(shape.outside, lengths)
    one = max((_weight(one) for value in values.values() if isinstance(value, list) for one in value), default=1)
    inside = _sum(shape.inside, {**weights, "*": one})
    if shape.adds:
        inside *= max(1, sum(shape.inside.values()) // 8)
    copies = rounds * rounds * max(1, inside) // 2 if shape.macro in _GATHERING else 0
    return shape.tokens + outside + rounds * (shape.steps + inside) + copies


def _sum(counts: Mapping[str, int], weights: Mapping[str, int]) -> int:
    return sum(count * weights.get(name, 0) for name, count in counts.items())


def _weight(value: Any) -> int:
    if isinstance(value, list):
        return 1 + sum(_weight(one) for one in value)
    return 1 + len(value) // 256 if isinstance(value, str) else 1
