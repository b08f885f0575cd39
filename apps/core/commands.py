"""The one way to change execution data.

    @command("orders.pause_job")
    def pause_job(context: Context, *, job_order_id: int, reason_id: int) -> JobState:
        job = JobOrder.objects.select_for_update().get(pk=job_order_id)
        context.allow(RUN_JOB, at=job.scope)
        ...
        context.record(JobPaused(subject_id=job.pk, ...))
        return JobState(...)

    pause_job(actor=actor, command_id=uuid4(), job_order_id=7, reason_id=3)     # from an edge: owns the transaction
    pause_job.within(context, job_order_id=7, reason_id=3)                      # from another command: joins it

The same `command_id` with the same input gives the stored answer; with other input it is refused. A refusal is
recorded in the ledger after the rollback, on the same connection, before the caller hears; it is no stored answer.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, update_wrapper
from typing import Annotated, Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, get_type_hints
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _
from pydantic import SecretStr, TypeAdapter
from pydantic_core import to_jsonable_python

from apps.core import clock, ledger, live, rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.events import LISTENERS, SUBSCRIPTIONS, Event, Heard
from apps.core.one_look import looking_anew
from apps.core.prepared import planned_once
from apps.core.rights import Action, Scope

P = ParamSpec("P")
R = TypeVar("R")

# Text that a person typed: it may name somebody, so it stays out of the ledger and lives in an erasable table.
FreeText = Annotated[str, "free text"]

# How far ahead of our clock a reported time may lie before it is refused: clocks of terminals differ.
FUTURE_TOLERANCE = timedelta(seconds=60)

_ANSWER_AND_ANNOUNCE = (
    f"WITH answered AS (UPDATE core_commandreceipt SET answer = %s WHERE command_id = %s) {live.ANNOUNCE}"  # noqa: S608
)


@dataclass
class Context:
    """One command on its way: who, when, under which id; and what it may do to the world outside its rows.

    now          when the command runs      occurred_at  when the thing happened on the floor
    """

    name: str
    actor: Actor
    command_id: UUID
    now: datetime
    occurred_at: datetime
    _topics: set[str] = field(default_factory=set)
    _causes: list[Heard] = field(default_factory=list)
    _heard: list[Heard] = field(default_factory=list)
    _asked: bool = False
    _follows: bool = False

    def consequence(self) -> Context:
        """For what follows from this command by rule (a booking issues its material): its right has been asked here.

        Shares topics and causes with this context, so that it is one story.
        """
        return replace(self, _follows=True, _asked=False)

    def allow(self, action: Action, *, at: Scope) -> None:
        """Refuses unless the actor holds the action at one of the places in `at`."""
        self._asked = True
        if self._follows:
            return
        if not rights.may(self.actor, action, at):
            holders = rights.holders(action)
            raise CommandRefused(
                "not_allowed",
                _("You may not %(act)s here.") % {"act": action.label},
                _("It can be done by: %(roles)s.") % {"roles": ", ".join(holders)} if holders else "",
                {"action": action.code},
            )

    def allow_anyone(self) -> None:
        """Says aloud that this command needs no right (a call for help, a badge held to a reader)."""
        self._asked = True

    def refuse(self, code: str, sentence: str, owner: str = "", **facts: Any) -> NoReturn:
        raise CommandRefused(code, sentence, owner, facts)

    def record(self, event: Event) -> int:
        """Writes the event into the ledger, runs its subscribers, returns the ledger id."""
        return self.record_all([event])[0]

    def record_all(self, events: Sequence[Event]) -> list[int]:
        """The same for many: all are in the ledger before the first subscriber hears of one."""
        ids = ledger.append(events, self, cause_id=self._causes[-1].event_id if self._causes else None)
        for event_id, event in zip(ids, events, strict=True):
            self._tell(Heard(event, event_id, self.occurred_at, tuple(self._causes)))
        return ids

    def _tell(self, heard: Heard) -> None:
        self._heard.append(heard)
        self._causes.append(heard)
        try:
            for subscription in SUBSCRIPTIONS[type(heard.event)]:
                if subscription.after_commit:
                    transaction.on_commit(subscription.call_with(heard.event), robust=True)
                else:
                    subscription.handler(heard.event, self)
        finally:
            self._causes.pop()

    def after(self, heard: Heard, actor: Actor) -> Context:
        """For what follows from an event once the command is through, by an authority of its own: what it records is
        caused by the event.
        """
        return replace(self, actor=actor, _causes=[*heard.causes, heard], _follows=False, _asked=False)

    def _tell_listeners(self) -> None:
        """What they record is told as well, until nothing new comes."""
        while self._heard:
            heard = self._heard[:]
            self._heard.clear()
            for listener in LISTENERS:
                listener(heard, self)

    @property
    def event_id(self) -> int:
        """The ledger id of the event that is being told to its subscribers; LookupError outside of one."""
        return self._causes[-1].event_id

    def touch(self, *topics: str) -> None:
        """These topics look different once the transaction is committed."""
        self._topics.update(topics)


class Command(Generic[P, R]):
    """A function `(context, *, inputs) -> answer`, callable from the edges and from other commands."""

    def __init__(self, name: str, body: Callable[Concatenate[Context, P], R]) -> None:
        self.name = name
        self.body = body
        update_wrapper(self, body)

    def __call__(self, actor: Actor, command_id: UUID, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs once per `command_id`; `occurred_at` defaults to now.

        Raises CommandRefused, recorded already.
        """
        return self.at(None)(actor, command_id, *args, **kwargs)

    def at(self, occurred_at: datetime | None) -> Callable[Concatenate[Actor, UUID, P], R]:
        """The same command for something that happened at another time than now."""

        def run(actor: Actor, command_id: UUID, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if args:
                raise TypeError(f"{self.name} takes its inputs by keyword")
            now = clock.now()
            context = Context(self.name, actor, command_id, now, occurred_at or now)
            try:
                with looking_anew(), transaction.atomic(durable=True):
                    return self._once(context, kwargs, occurred_at)
            except CommandRefused as refusal:
                with transaction.atomic():
                    ledger.append_refusal(refusal, context, self._loggable(kwargs))
                raise

        return run

    def within(self, context: Context, *args: P.args, **kwargs: P.kwargs) -> R:
        """Joins the running command: its transaction, its id, its story. A refusal undoes the whole."""
        asked, context._asked = context._asked, False
        with transaction.atomic(savepoint=False):
            answer = self.body(context, *args, **kwargs)
        self._insist(context)
        context._asked = asked
        return answer

    def _once(self, context: Context, inputs: Mapping[str, Any], occurred_at: datetime | None) -> R:
        digest = self._digest(context.actor, inputs, occurred_at)
        with planned_once() as cursor:
            # Waits for a twin with the same id that is still running, so that only one of them goes on.
            cursor.execute(
                "INSERT INTO core_commandreceipt (command_id, name, digest) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [context.command_id, self.name, digest],
            )
            if not cursor.rowcount:
                return self._stored(context, digest)
            if context.occurred_at > context.now + FUTURE_TOLERANCE:
                context.refuse("in_the_future", _("The time given lies in the future. Check the date and the time."))
            answer = self.body(context, **inputs)  # type: ignore[call-arg]  # P is known to the caller only
            self._insist(context)
            context._tell_listeners()
            # The answer and the word of what has changed, in one round trip.
            cursor.execute(
                _ANSWER_AND_ANNOUNCE,
                [
                    json.dumps(self._answers.dump_python(answer, mode="json")),
                    context.command_id,
                    *live.words(context._topics),
                ],
            )
        return answer

    def _stored(self, context: Context, digest: str) -> R:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, digest, answer FROM core_commandreceipt WHERE command_id = %s", [context.command_id]
            )
            name, stored_digest, answer = cursor.fetchone()
        if (name, stored_digest) != (self.name, digest):
            context.refuse(
                "command_id_reused",
                _("This entry was sent before with other content, so it was not booked again. Enter it anew."),
            )
        return self._answers.validate_python(json.loads(answer) if isinstance(answer, str) else answer)

    def _insist(self, context: Context) -> None:
        if not context._asked:
            raise RuntimeError(f"{self.name} never asked for a right: call context.allow() or context.allow_anyone()")

    @staticmethod
    def _digest(actor: Actor, inputs: Mapping[str, Any], occurred_at: datetime | None) -> str:
        content = [actor.person_id, actor.agent, dict(inputs), occurred_at]
        plain = to_jsonable_python(content, bytes_mode="base64")
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def _loggable(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(to_jsonable_python({k: v for k, v in inputs.items() if k not in self._unloggable}))

    @cached_property
    def _unloggable(self) -> frozenset[str]:
        hints = get_type_hints(self.body, include_extras=True)
        return frozenset(name for name, hint in hints.items() if hint in (FreeText, SecretStr, bytes))

    @cached_property
    def _answers(self) -> TypeAdapter[R]:
        """Answers are dataclasses of plain values, or plain values: they come back from the receipt as they went."""
        returned = get_type_hints(self.body).get("return", type(None))
        if inspect.isclass(returned) and hasattr(returned, "_meta"):
            raise TypeError(f"{self.name} must answer with plain values, not with a row: a row can't be stored")
        return TypeAdapter(returned)


@contextmanager
def repeatable(name: str, actor: Actor) -> Iterator[Context]:
    """One transaction of a part of the system for what is the same however often it is done (signals of machines): it
    needs no receipt, and could not afford one.
    """
    now = clock.now()
    context = Context(name, actor, uuid4(), now, now)
    with transaction.atomic(durable=True):
        yield context
        context._tell_listeners()
        live.announce(context._topics)


COMMANDS: dict[str, Command[..., Any]] = {}


def command(name: str) -> Callable[[Callable[Concatenate[Context, P], R]], Command[P, R]]:
    def register(body: Callable[Concatenate[Context, P], R]) -> Command[P, R]:
        made = Command(name, body)
        if COMMANDS.setdefault(name, made) is not made:
            raise ValueError(f"command {name} is declared twice")
        return made

    return register
