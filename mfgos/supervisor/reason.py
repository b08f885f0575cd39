"""Finds in what a failed program printed the one line that says why."""

from __future__ import annotations

import re

# Our own refusals carry an id, PostgreSQL's a word; what comes after it is for people.
MARKED = re.compile(r"(?:\berror|FATAL|PANIC):\s*(.+)|^(.*\.E\d{3}\b.*)$", re.MULTILINE)


def reason(output: str) -> str:
    """The first marked line, else the last one, without a full stop."""
    if found := MARKED.search(output):
        line = found.group(1) or found.group(2)
    else:
        line = (output.strip().splitlines() or ["it said nothing"])[-1]
    return line.strip(". ")
