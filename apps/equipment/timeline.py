"""What a machine did, from what was said about it: pure, and the same whatever order the words came in.

A word ("stopped, from 10:00:03 on") holds until the next one. A word of a signal holds only while signals come: after a
silence nothing is known until one is heard again. A person's word holds without signals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class MachineState(models.TextChoices):
    """Waiting: for material, a person, quality, or a neighbour. Idle: there is nothing to run."""

    PRODUCING = "producing", _("Producing")
    IDLE = "idle", _("Idle")
    STOPPED = "stopped", _("Stopped")
    FAULT = "fault", _("Fault")
    SET_UP = "set_up", _("Set-up")
    WAITING = "waiting", _("Waiting")
    CLEANING = "cleaning", _("Cleaning")
    MAINTENANCE = "maintenance", _("Maintenance")
    NO_DATA = "no_data", _("No data")


class WordOf(models.TextChoices):
    SIGNAL = "signal", _("signal")
    PERSON = "person", _("person")
    RULE = "rule", _("rule")


# What can be said of a machine; that nothing is known is never said, it follows from silence.
SAYABLE = [state for state in MachineState.values if state != "no_data"]
DOWN = frozenset({MachineState.STOPPED.value, MachineState.FAULT.value})
# Of two words for the same moment the later in this order counts: a person knows better, and a fault is no mere stop.
_WEIGHT = {WordOf.RULE.value: 0, WordOf.SIGNAL.value: 1, WordOf.PERSON.value: 2}
_RANK = {
    state.value: rank
    for rank, state in enumerate(
        [
            MachineState.NO_DATA,
            MachineState.IDLE,
            MachineState.WAITING,
            MachineState.PRODUCING,
            MachineState.SET_UP,
            MachineState.CLEANING,
            MachineState.MAINTENANCE,
            MachineState.STOPPED,
            MachineState.FAULT,
        ]
    )
}


class Word(NamedTuple):
    at: datetime
    state: str
    word_of: str


class Heard(NamedTuple):
    """Signals came from `first` to `last`, never farther apart than a minute."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Span:
    """[start, end); None: it goes on."""

    state: str
    start: datetime
    end: datetime | None
    word_of: str

    @property
    def kind(self) -> tuple[str, str]:
        return self.state, self.word_of


def governing(words: Iterable[Word]) -> list[Word]:
    """In order, one for each moment."""
    last: dict[datetime, Word] = {}
    for word in sorted(words, key=lambda word: (word.at, _WEIGHT[word.word_of], _RANK[word.state])):
        last[word.at] = word
    return list(last.values())


def spans(words: Iterable[Word], heard: Iterable[Heard], *, silence: timedelta | None, now: datetime) -> list[Span]:
    """Without a gap from the first word on, no two alike in a row; only the last one goes on."""
    ordered = governing(words)
    known = _covered(heard, silence) if silence is not None else []
    found: list[Span] = []
    for word, following in zip(ordered, [*ordered[1:], None], strict=False):
        end = following.at if following else None
        if silence is None or word.word_of != WordOf.SIGNAL:
            found.append(Span(word.state, word.at, end, word.word_of))
        else:
            found += _while_heard(word, end, known, now)
    return joined(found)


def silent_at(word_of: str, heard_until: datetime | None, silence: timedelta | None) -> datetime | None:
    """When the state that holds now ends unless something is heard; None: it holds until the next word."""
    if word_of != WordOf.SIGNAL or silence is None or heard_until is None:
        return None
    return heard_until + silence


def joined(found: Iterable[Span]) -> list[Span]:
    whole: list[Span] = []
    for span in found:
        if whole and whole[-1].kind == span.kind and whole[-1].end == span.start:
            whole[-1] = replace(whole[-1], end=span.end)
        else:
            whole.append(span)
    return whole


def clipped(found: Iterable[Span], start: datetime) -> list[Span]:
    """What of them lies at or after `start`."""
    return [
        span if span.start >= start else replace(span, start=start)
        for span in found
        if span.end is None or span.end > start
    ]


def _covered(heard: Iterable[Heard], silence: timedelta) -> list[tuple[datetime, datetime]]:
    """When a signal's word holds, in order: from the first signal until a silence after the last."""
    covered: list[tuple[datetime, datetime]] = []
    for first, last in sorted(heard):
        end = last + silence
        if covered and first <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((first, end))
    return covered


def _while_heard(
    word: Word, end: datetime | None, known: Sequence[tuple[datetime, datetime]], now: datetime
) -> Iterable[Span]:
    """The word's state where something was heard, nothing known between; `end` None: until now, and on."""
    reached = word.at
    for begins, ends in known:
        if ends <= reached or (end is not None and begins >= end):
            continue
        if begins > reached:
            yield Span(MachineState.NO_DATA, reached, begins, WordOf.RULE)
            reached = begins
        if end is None and ends > now:
            yield Span(word.state, reached, None, word.word_of)
            return
        until = ends if end is None else min(ends, end)
        yield Span(word.state, reached, until, word.word_of)
        reached = until
    if end is None or reached < end:
        yield Span(MachineState.NO_DATA, reached, end, WordOf.RULE)


@dataclass(frozen=True)
class Stop:
    """[start, end) without running: stopped or in fault; silence in between ends no stop. by_hand: a person said so."""

    start: datetime
    end: datetime | None
    by_hand: bool

    def is_long(self, threshold: timedelta, now: datetime) -> bool:
        """Whether it is a downtime by `now`; what a person reports is one at once."""
        return self.by_hand or (self.end or now) - self.start >= threshold


def stops(found: Iterable[Span]) -> list[Stop]:
    """In order. The spans follow one another, and the first of them is no rest of an earlier stop."""
    whole: list[Stop] = []
    going: Stop | None = None
    for span in found:
        if span.state in DOWN:
            by_hand = span.word_of == WordOf.PERSON
            going = replace(going, by_hand=going.by_hand or by_hand) if going else Stop(span.start, None, by_hand)
        elif span.state != MachineState.NO_DATA and going:
            whole.append(replace(going, end=span.start))
            going = None
    return [*whole, going] if going else whole
