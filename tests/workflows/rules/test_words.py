"""What engineers read in the form of a rule is a word in their language, not the name of a field in the code."""

from __future__ import annotations

import re

from django.utils.functional import Promise

from apps.core.events import WORDS
from apps.workflows.rules.check import followed_events
from apps.workflows.rules.facts import EVENT, facts_of

# Numbers and hashes by which rows are known: no person compares with one.
OURS = re.compile(r"(_id|_ids|_hash|checksum|sha256)$")


def test_each_field_that_somebody_may_ask_for_has_a_word_of_the_reader() -> None:
    bare = {
        f"{kind}: {name}"
        for kind in followed_events()
        for name, fact in facts_of(kind).items()
        if name.startswith(EVENT) and not OURS.search(name) and not isinstance(fact.label, Promise)
        and not kind.startswith("tests.")
    }  # fmt: skip
    assert bare == set()


def test_no_word_is_kept_for_a_field_that_is_gone() -> None:
    used = {name.removeprefix(EVENT) for kind in followed_events() for name in facts_of(kind) if name.startswith(EVENT)}
    assert WORDS.keys() - used == set()
