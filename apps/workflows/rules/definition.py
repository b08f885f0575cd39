"""One rule as a value: what the file, the form, the check and the running rule share.

{"format": 1, "code": "scrap_again", "name": "The same defect again", "event": "orders.quantity_confirmed",
 "conditions": [{"field": "event.scrap", "operator": ">", "value": 0}],
 "scope": [{"line": "L3"}], "same": ["line", "event.scrap_reason"], "window": {"count": 3},
 "actions": [{"code": "notify", "parameters": {"role": "quality_engineer"}}]}
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from apps.workflows.definition import Code, ConditionSpec, Document, EffectSpec, Part, Texts, WhereSpec

WEEK_MINUTES = 7 * 24 * 60
LONGEST_DAYS = 366
LONGEST_WAIT_SECONDS = 30 * 24 * 60 * 60


class RuleCondition(ConditionSpec):
    """`field` is a fact ("event.scrap", "line"); nobody is refused by a rule, so nobody hears a sentence."""

    sentence: Texts = {}

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"sentence"})


class WindowSpec(Part):
    """So many within the minutes or the days; neither: within the shift, or the day where no shift is planned.

    of  what is counted: each event; or each thing that events are about, once and as the last of them has it: what the
        rule is not meant for any more, or what is the same as others now, counts where it was counted before no more
    """

    count: int = Field(ge=2, le=1_000)
    minutes: int | None = Field(default=None, ge=1, le=WEEK_MINUTES)
    days: int | None = Field(default=None, ge=1, le=LONGEST_DAYS)
    of: Literal["events", "things"] = "events"

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"days", "of"})

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.minutes is not None and self.days is not None:
            raise ValueError("a window has minutes or days, not both")
        return self

    @property
    def span(self) -> timedelta | None:
        """None: the shift."""
        if self.days is not None:
            return timedelta(days=self.days)
        return None if self.minutes is None else timedelta(minutes=self.minutes)


class RuleSpec(Document):
    """
    event       kind of the ledger event that it follows; conditions and expression are asked of it
    after_seconds       so long after the event all is asked again, and it acts if it is still so; 0: it acts at once
    scope       only there; none: everywhere
    same        facts that make two events the same for the window and the cool-down
    window      it acts on every so manieth event; what has been counted for one act counts for no other
    cool_down_minutes   after an act it keeps still so long, for what is the same
    per_minute  more acts than these on one line are no act, but a failure
    """

    format: Literal[1] = 1
    code: Code
    event: str = Field(max_length=80)
    conditions: list[RuleCondition] = Field(default=[], max_length=20)
    expression: str = ""
    after_seconds: int = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    scope: list[WhereSpec] = Field(default=[], max_length=50)
    same: list[str] = Field(default=[], max_length=5)
    window: WindowSpec | None = None
    cool_down_minutes: int = Field(default=0, ge=0, le=WEEK_MINUTES)
    per_minute: int = Field(default=20, ge=1, le=600)
    actions: list[EffectSpec] = Field(default=[], max_length=10)

    omitted_when_default: ClassVar[frozenset[str]] = frozenset({"after_seconds"})

    @property
    def after(self) -> timedelta:
        return timedelta(seconds=self.after_seconds)
