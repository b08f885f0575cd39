"""How wide words are, without asking a font: a little wider than in any font that a browser is likely to take."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_NARROW = frozenset("iljtfrI.,:;!|'`()[]{}/\\ ·-")
_WIDE = frozenset("mwMWÄÖÜ%@&ÆŒæœ")


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """In pixels, at `size` pixels a line."""
    return size * sum(map(_em, text)) * (1.08 if is_bold else 1.0)


def _em(sign: str) -> float:
    if sign in _NARROW:
        return 0.4
    if unicodedata.east_asian_width(sign) in {"W", "F"} or sign in _WIDE:
        return 1.0
    return 0.72 if sign.isupper() else 0.62


def wrap(text: str, size: float, widest: float, *, lines: int = 2, is_bold: bool = False) -> list[str]:
    """At most so many lines within `widest` pixels; what does not fit is cut, and says so."""
    done: list[str] = []
    for piece in _pieces(text, size, widest, is_bold=is_bold):
        longer = f"{done[-1]} {piece}" if done else piece
        if done and width_of(longer, size, is_bold=is_bold) <= widest:
            done[-1] = longer
        else:
            done.append(piece)
    if len(done) > lines:
        done = done[:lines]
        done[-1] = _cut(done[-1] + ELLIPSIS, size, widest, is_bold=is_bold)
    return done or [""]


def _pieces(text: str, size: float, widest: float, *, is_bold: bool) -> Iterator[str]:
    for piece in text.split():
        yield _cut(piece, size, widest, is_bold=is_bold)


def _cut(text: str, size: float, widest: float, *, is_bold: bool) -> str:
    if width_of(text, size, is_bold=is_bold) <= widest:
        return text
    short = text.removesuffix(ELLIPSIS)
    while short and width_of(short + ELLIPSIS, size, is_bold=is_bold) > widest:
        short = short[:-1]
    return short + ELLIPSIS
