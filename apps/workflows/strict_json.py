"""JSON that comes from outside, read so that nothing in it is left open: one meaning, or a sentence that says what is
wrong with it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

MAX_BYTES = 5_000_000
MAX_DEPTH = 30
MAX_DIGITS = 40
MAX_PARTS = 10_000  # of one object or list

# What no label needs: control characters (the database takes no NUL), halves of characters, and marks that turn the
# direction of writing, so that a text reads other than it is.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_ARCHIVES = (b"PK", b"\x1f\x8b", b"\x80", b"\xfd7z", b"7z\xbc\xaf", b"BZh")


class OddJson(ValueError):
    """The words are a sentence for who has sent it."""


def load(content: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """Objects, lists, texts, finite numbers, yes, no and null.  Raises OddJson."""
    text = _decoded(content, max_bytes)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
    except RecursionError:
        raise OddJson(_too_deep()) from None
    except json.JSONDecodeError as error:
        raise OddJson(
            _("Invalid JSON in line %(line)s, column %(column)s: %(what)s.")
            % {"line": error.lineno, "column": error.colno, "what": error.msg}
        ) from None
    for problem in odd_parts(value):
        raise OddJson(problem)
    return value


def odd_parts(value: Any) -> Iterator[str]:
    """Sentences about texts and depths of a value of plain parts; others (rows, specs) are passed over."""
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        one, depth = todo.pop()
        if depth > MAX_DEPTH:
            yield _too_deep()
            return
        if isinstance(one, str):
            found = _ODD.search(one)
            if found:
                yield _(
                    "A text holds the character U+%(code)s, which can't be seen or turns the text around. Remove it."
                ) % {"code": f"{ord(found.group()):04X}"}
        elif isinstance(one, float) and not math.isfinite(one):
            yield _no_number(str(one))
        elif isinstance(one, dict | list) and len(one) > MAX_PARTS:
            yield _(
                "One part of it has %(count)s parts of its own; %(most)s are allowed. Send it in smaller files."
            ) % {
                "count": len(one),
                "most": MAX_PARTS,
            }
            return
        elif isinstance(one, dict):
            todo += [(key, depth + 1) for key in one] + [(part, depth + 1) for part in one.values()]
        elif isinstance(one, list | tuple):
            todo += [(part, depth + 1) for part in one]


def _decoded(content: bytes | str, max_bytes: int) -> str:
    if isinstance(content, bytes) and content.startswith(_ARCHIVES):
        raise OddJson(_("This is an archive or a program's own file, not text. Send the JSON file itself."))
    if len(content) > max_bytes:
        raise OddJson(
            _("It is too large: %(size)s bytes, %(most)s are allowed. Send it in parts.")
            % {"size": len(content), "most": max_bytes}
        )
    if isinstance(content, str):
        return content
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise OddJson(
            _("It is no UTF-8 text: byte %(place)s can't be read. Save it as UTF-8.") % {"place": error.start}
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise OddJson(_("“%(key)s” is there twice: which one is meant? Remove one.") % {"key": key[:80]})
        made[key] = value
    return made


def _no_constant(name: str) -> Any:
    raise OddJson(_no_number(name))


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise OddJson(_no_number(text[:20] + "…"))
    return int(text)


def _fraction(text: str) -> float:
    value = float(text) if len(text) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise OddJson(_no_number(text[:20]))
    return value


def _no_number(text: str) -> str:
    return _("%(number)s is no number that can be kept. Correct it.") % {"number": text}


def _too_deep() -> str:
    return _("It is nested deeper than %(depth)s levels. What is exported here never is; export it again.") % {
        "depth": MAX_DEPTH
    }
