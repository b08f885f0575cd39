"""What a simulation has found, as values that are kept as JSON and come back the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from apps.workflows.simulate.judging import Certainty, Reason

# Stopped items that are kept one by one; all are counted.
LISTED = 5_000


class Value(BaseModel):
    """Base of what is kept of a simulation."""

    model_config = ConfigDict(extra="forbid")


class Stop(Value):
    """How often a step would have been stopped for a reason."""

    edge: str
    step: str
    reason: Reason
    detail: str = ""
    moves: int


class Guess(Value):
    """A field that was not read then: `row` times from the item's row of that time, `now` times from today's."""

    field: str
    label: str
    row: int = 0
    now: int = 0


class Tally(Value):
    """
    moves, items    that were replayed
    stopped         moves; `items_stopped` items with one at least, `stuck` those of them with no way on
    exact, estimated, impossible   moves, by how sure the answer is; an impossible one counts as neither stopped nor not
    renamed         steps that go by another code      elsewhere  that lead to another state
    asks_more       that would have asked for something, or for a signature of the same person
    """

    moves: int = 0
    items: int = 0
    stopped: int = 0
    items_stopped: int = 0
    stuck: int = 0
    exact: int = 0
    estimated: int = 0
    impossible: int = 0
    renamed: int = 0
    elsewhere: int = 0
    asks_more: int = 0
    stops: list[Stop] = []
    guesses: list[Guess] = []


class StoppedItem(Value):
    """The first time an item would have been stopped; what happened to it then in truth.

    also_before  the version in force stops it as well     scrap  in `unit`, after that moment
    """

    item_id: int
    event_id: int
    at: datetime
    state: str
    edge: str
    step: str
    reason: Reason
    detail: str = ""
    certainty: Certainty
    is_stuck: bool = False
    also_before: bool = False
    wait_seconds: int | None = None
    name: str = ""
    place: str = ""
    scrap: str = "0"
    unit: str = ""
    afterwards: str = ""

    @property
    def made_scrap(self) -> bool:
        return float(self.scrap) > 0


class Result(Value):
    """
    since, until  the replayed stretch         draft, before   the version tried; the one in force, by the same moves
    items         the stopped ones, the oldest first, LISTED at most
    is_borrowed   the moves are of items of other workflows, as its own has none
    is_meant      of those items that it would have been for; False: of all, as it would have been for none
    unheard       rule in force -> steps that it follows and that only the version tried would have stopped
    """

    since: datetime | None = None
    until: datetime | None = None
    draft: Tally = Tally()
    before: Tally | None = None
    before_number: int | None = None
    before_name: str = ""
    is_borrowed: bool = False
    is_meant: bool = True
    items: list[StoppedItem] = []
    unheard: dict[str, int] = {}

    @property
    def judged(self) -> int:
        return self.draft.moves

    @property
    def waits(self) -> list[int]:
        return sorted(item.wait_seconds for item in self.items if item.wait_seconds is not None)

    @property
    def usual_wait(self) -> int | None:
        """Seconds: the median of those that are known."""
        waits = self.waits
        return waits[len(waits) // 2] if waits else None

    @property
    def worst_wait(self) -> int | None:
        return max(self.waits, default=None)

    @property
    def with_scrap(self) -> int:
        return sum(item.made_scrap for item in self.items)

    @property
    def newly_stopped(self) -> Sequence[StoppedItem]:
        return [item for item in self.items if not item.also_before]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
