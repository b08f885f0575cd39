"""Counts and rests as apps.workflows.rules.counting does, in memory and by the events' own times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from datetime import datetime, timedelta

from apps.plant.calendar_times import DAY, Interval
from apps.workflows.rules.counting import KEPT, MINUTE, is_full
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.in_force import Place

_Counted = tuple[datetime, str]


class Counted:
    """Of one version, all that it has counted and not acted for yet; and when it has acted last."""

    def __init__(self, spec: RuleSpec) -> None:
        self._spec = spec
        self._open: defaultdict[str, list[_Counted]] = defaultdict(list)
        # Where a thing is counted: as what, and when.
        self._things: dict[str, tuple[str, datetime]] = {}
        self._rest = timedelta(minutes=spec.cool_down_minutes)
        self._acted: dict[str, datetime] = {}
        self._acts_at: defaultdict[tuple[int | None, int | None], deque[datetime]] = defaultdict(deque)
        self._doubted_at: datetime | None = None
        self._chains: dict[str, Interval] = {}

    @property
    def reach(self) -> timedelta:
        """So far back an answer may hang on; a shift is no longer than a day."""
        window = self._spec.window
        counts = timedelta() if window is None else window.span or DAY
        return max(counts, self._rest)

    # ---- counting

    def is_due(self, key: str, thing: str, at: datetime, shift: Interval | None) -> bool:
        """Counts it, once; whether it makes the window full. `shift`: for a window that is one."""
        window = self._spec.window
        if window is None:
            return True
        counted = self._open[key]
        if window.of == "things":
            self.take_back(thing)
            self._things[thing] = key, at
        insort(counted, (at, thing))
        first, behind = bisect_left(counted, (at,)), bisect_right(counted, at, key=_when)
        if window.span is None:
            assert shift, "a window without a length is the shift"
            begins, ends = (bisect_left(counted, (moment,)) for moment in shift)
            return ends - begins >= window.count
        near = counted[max(0, first - window.count + 1) : behind + window.count - 1]
        return is_full([moment for moment, __ in near], at, window.count, window.span)

    def take_back(self, thing: str) -> None:
        """What is counted as a thing, if it is: the thing is none of it any more."""
        found = self._things.pop(thing, None)
        if found is not None:
            key, at = found
            del self._open[key][bisect_left(self._open[key], (at, thing))]

    def rests(self, key: str, now: datetime) -> bool:
        acted = self._acted.get(key)
        return bool(self._rest) and acted is not None and acted > now - self._rest

    def acts_within_a_minute(self, place: Place, now: datetime) -> int:
        acts = self._acts_at[_where(place)]
        while acts and acts[0] <= now - MINUTE:
            acts.popleft()
        return len(acts)

    def note_act(self, key: str, place: Place, now: datetime) -> None:
        if self._rest:
            self._acted[key] = now
        self._acts_at[_where(place)].append(now)
        for __, thing in self._open.pop(key, ()):
            self._things.pop(thing, None)

    def forget(self, now: datetime) -> None:
        """What no window and no rest sees any more; to be called from time to time."""
        window = self._spec.window
        days = window.days if window and window.days else 0
        before = now - max(KEPT, 2 * timedelta(days=days))
        for key in list(self._open):
            gone = bisect_left(self._open[key], (before,))
            for __, thing in self._open[key][:gone]:
                self._things.pop(thing, None)
            del self._open[key][:gone]
            if not self._open[key]:
                del self._open[key]
        self._acted = {key: acted for key, acted in self._acted.items() if acted > now - self._rest}
        self._chains = {key: chain for key, chain in self._chains.items() if chain[1] > now - self.reach}

    # ---- how sure that is

    def doubt(self, at: datetime) -> None:
        """Something may or may not have been counted then."""
        self._doubted_at = at

    def is_sure(self, key: str, now: datetime) -> bool:
        """All that an answer for the key hangs on is known: so long before the first of those that follow one another
        closely nothing was in doubt.
        """
        if not self.reach:
            return True
        begun, last = self._chains.get(key, (now, now))
        if now - last >= self.reach:
            begun = now
        self._chains[key] = begun, now
        return self._doubted_at is None or self._doubted_at <= begun - self.reach


def _when(counted: _Counted) -> datetime:
    return counted[0]


def _where(place: Place) -> tuple[int | None, int | None]:
    return (None, place.work_center_id) if place.work_center_id is not None else (place.site_id, None)
