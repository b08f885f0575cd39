"""What one person may answer to an exception, and what they can choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.http import QueryDict

from apps.andon import commands
from apps.andon.actions import ANSWER, GIVE
from apps.andon.models import ANSWERED, Clock, ExceptionStatus, FloorException
from apps.andon.path import Look, looks
from apps.andon.queries import to_merge_into
from apps.core import rights
from apps.core.actors import Actor
from apps.core.rights import EVERYWHERE
from apps.floor import entry
from apps.plant.models import Purpose, ReasonCode
from apps.workflows.actions import EDIT

S = ExceptionStatus
# On the way there: what a person under way can tell.
WAYS_MINUTES = (0, 5, 10, 15)
DELAYS_MINUTES = (15, 30, 60, 120, 240, 480)


@dataclass(frozen=True)
class Answers:
    """
    may_answer  take it, go, resolve        may_give  to another, though it is somebody else's
    may_draft_rule  make a draft of a rule from it, once it is resolved
    """

    look: Look
    person_id: int
    may_answer: bool
    may_give: bool
    may_draft_rule: bool

    @property
    def exception(self) -> FloorException:
        return self.look.exception

    @property
    def is_mine(self) -> bool:
        return self.exception.owner_id == self.person_id

    @property
    def stage(self) -> str:
        """Which answers are at the thumb: ask, accept, go, work, other's, resolved, closed, or none."""
        status = S(self.exception.status)
        if status in (S.RESOLVED, S.CLOSED):
            return status.value
        if not self.may_answer:
            return "none"
        if status == S.OPEN:
            return "ask"
        if not self.is_mine:
            return "other"
        if self.exception.accept_by:
            return "accept"
        return "work" if status == S.IN_PROGRESS else "go"

    @property
    def key(self) -> str:
        """Two with the same key offer the same: what is chosen in it stays."""
        running = [(clock.clock, clock.is_paused) for clock in self.look.clocks]
        return f"{self.stage} {self.is_mine} {self.exception.owner_id} {self.exception.parent_id} {running}"

    @property
    def ways_minutes(self) -> Sequence[int]:
        return WAYS_MINUTES

    @property
    def can_give(self) -> bool:
        return self.stage in ("ask", "accept", "go", "work", "other") and (self.is_mine or self.may_give)

    @property
    def can_help(self) -> bool:
        return self.stage in ("ask", "accept", "go", "work", "other")

    @property
    def can_put_off(self) -> bool:
        return bool(self.delays) and self.stage in ("ask", "go", "work", "accept")

    @property
    def can_pause(self) -> bool:
        running = [clock for clock in self.look.clocks if clock.clock == Clock.RESOLUTION]
        return bool(running) and not running[0].is_paused and self.exception.status in ANSWERED

    @property
    def can_resume(self) -> bool:
        return any(clock.is_paused for clock in self.look.clocks)

    @cached_property
    def delays(self) -> list[int]:
        return [minutes for minutes in DELAYS_MINUTES if minutes <= self.exception.policy_version.snooze_minutes]

    @cached_property
    def pauses(self) -> list[int]:
        return [minutes for minutes in DELAYS_MINUTES if minutes <= self.exception.policy_version.pause_minutes]

    @cached_property
    def resolutions(self) -> list[ReasonCode]:
        """Those of the type; all where it names none."""
        choosable = ReasonCode.objects.choosable(Purpose.RESOLUTION)
        own = list(choosable.filter(pk__in=self.exception.type.resolution_codes.values("pk")))
        return own or list(choosable)

    @cached_property
    def causes(self) -> list[ReasonCode]:
        return list(ReasonCode.objects.choosable(Purpose.ROOT_CAUSE))

    @cached_property
    def why_not(self) -> list[ReasonCode]:
        return list(ReasonCode.objects.choosable(Purpose.CANNOT))

    @cached_property
    def why_later(self) -> list[ReasonCode]:
        return list(ReasonCode.objects.choosable(Purpose.SNOOZE))

    @cached_property
    def waits_for(self) -> list[ReasonCode]:
        return list(ReasonCode.objects.choosable(Purpose.CLOCK_PAUSE))

    @cached_property
    def to_merge_into(self) -> list[FloorException]:
        return to_merge_into(self.exception)


def answers(exception: FloorException, actor: Actor) -> Answers:
    assert actor.person_id is not None
    return Answers(
        look=looks([exception])[0],
        person_id=actor.person_id,
        may_answer=rights.may(actor, ANSWER, exception.scope),
        may_give=rights.may(actor, GIVE, exception.scope),
        may_draft_rule=exception.status == S.RESOLVED and rights.may(actor, EDIT, EVERYWHERE),
    )


Act = Callable[[Actor, UUID, int, QueryDict], object]


def _reason(data: QueryDict, name: str = "reason") -> str:
    return data.get(name, "")


# What a form of the page sends: its last part names one of these.
ACTS: dict[str, Act] = {
    "take": lambda who, key, pk, _sent: commands.acknowledge(who, key, exception_id=pk),
    "going": lambda who, key, pk, sent: commands.on_the_way(
        who, key, exception_id=pk, minutes=entry.whole(sent, "minutes")
    ),
    "cannot": lambda who, key, pk, sent: commands.cannot(who, key, exception_id=pk, reason=_reason(sent)),
    "give": lambda who, key, pk, sent: commands.give(who, key, exception_id=pk, person_id=entry.row_id(sent, "person")),
    "accept": lambda who, key, pk, _sent: commands.accept(who, key, exception_id=pk),
    "at-it": lambda who, key, pk, _sent: commands.progress(who, key, exception_id=pk),
    "say": lambda who, key, pk, sent: commands.remark(who, key, exception_id=pk, text=sent.get("text", "")),
    "resolve": lambda who, key, pk, sent: commands.resolve(
        who,
        key,
        exception_id=pk,
        resolution=_reason(sent, "resolution"),
        cause=_reason(sent, "cause"),
        note=sent.get("note", ""),
    ),
    "reopen": lambda who, key, pk, _sent: commands.reopen(who, key, exception_id=pk),
    "put-off": lambda who, key, pk, sent: commands.snooze(
        who, key, exception_id=pk, minutes=entry.whole(sent, "minutes"), reason=_reason(sent)
    ),
    "merge": lambda who, key, pk, sent: commands.merge(who, key, exception_id=pk, into_id=entry.row_id(sent, "into")),
    "split": lambda who, key, pk, _sent: commands.split(who, key, exception_id=pk),
    "pause": lambda who, key, pk, sent: commands.pause_clock(
        who, key, exception_id=pk, reason=_reason(sent), minutes=entry.whole(sent, "minutes")
    ),
    "resume": lambda who, key, pk, _sent: commands.resume_clock(who, key, exception_id=pk),
    "cure": lambda who, key, pk, sent: commands.apply_cure(
        who,
        key,
        exception_id=pk,
        cure=sent.get("cure", ""),
        inputs=entry.cure_inputs(sent),
        part_id=entry.row_id(sent, "part") if sent.get("part") else None,
        step_id=entry.row_id(sent, "step") if sent.get("step") else None,
        reason=_reason(sent),
    ),
    "follow": lambda who, key, pk, sent: commands.follow_step(
        who, key, exception_id=pk, step_id=entry.row_id(sent, "step")
    ),
    "make-step": lambda who, key, pk, _sent: commands.draft_step_from(who, key, exception_id=pk),
    "make-rule": lambda who, key, pk, _sent: commands.draft_rule_from(who, key, exception_id=pk),
}
