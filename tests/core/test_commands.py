"""What every command of the house does, whatever it is about."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pydantic import SecretStr

from apps.core import clock, rights
from apps.core.actors import Actor, Origin
from apps.core.commands import Context, FreeText, command
from apps.core.errors import CommandRefused
from apps.core.events import Event, Heard, subscribe
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import CommandReceipt, LedgerEvent

PAINT = rights.declare("tests.paint", "paint")
SOMEWHERE = frozenset({"site:1"})
WORKER = Actor.system("tests")
PERSON = Actor(person_id=7)


class Painted(Event, subject="wall"):
    square_metres: Decimal


class PaintRanOut(Event, subject="wall"):
    pass


@dataclass(frozen=True)
class Coat:
    wall: int
    square_metres: Decimal


@command("tests.paint_wall")
def paint_wall(context: Context, *, wall: int, square_metres: Decimal = Decimal(1), remark: FreeText = "") -> Coat:
    context.allow(PAINT, at=SOMEWHERE)
    context.record(Painted(subject_id=wall, square_metres=square_metres, thread=f"wall:{wall}"))
    if square_metres > 100:
        context.refuse("too_much", "A wall has at most 100 m².", "Ask the painter.", limit=100)
    return Coat(wall, square_metres)


@command("tests.paint_house")
def paint_house(context: Context, *, walls: list[int]) -> list[Coat]:
    context.allow(PAINT, at=SOMEWHERE)
    return [paint_wall.within(context, wall=wall) for wall in walls]


@command("tests.forgetful")
def forgetful(context: Context) -> None:
    context.record(Painted(subject_id=0, square_metres=Decimal(1)))


@command("tests.open_safe")
def open_safe(context: Context, *, combination: SecretStr, remark: FreeText) -> None:
    context.allow_anyone()
    context.refuse("wrong", "That is not it.")


heard: list[tuple[str, object]] = []


@subscribe(Painted)
def run_out(event: Painted, context: Context) -> None:
    heard.append(("in transaction", event.subject_id))
    if event.subject_id == 13:
        context.record(PaintRanOut(subject_id=event.subject_id))
    if event.subject_id == 14:
        raise RuntimeError("no brush")


@subscribe(Painted, after_commit=True)
def smell(event: Painted) -> None:
    heard.append(("after commit", event.subject_id))
    if event.subject_id == 15:
        raise RuntimeError("no nose")


@pytest.fixture(autouse=True)
def _deaf() -> None:
    heard.clear()


@pytest.mark.django_db
class TestACommand:
    def test_answers_and_leaves_one_event_with_who_when_and_which_id(self) -> None:
        command_id = uuid4()
        actor = Actor(agent="tests", origin=Origin.MACHINE, terminal_id=3, on_behalf_of_id=9)
        assert paint_wall(actor=actor, command_id=command_id, wall=1) == Coat(1, Decimal(1))
        event = LedgerEvent.objects.get()
        assert (event.kind, event.subject_kind, event.subject_id) == ("tests.painted", "wall", "1")
        assert (event.terminal_id, event.on_behalf_of_id, event.origin) == (3, 9, "machine")
        assert (event.command_id, event.thread, event.data) == (command_id, "wall:1", {"square_metres": "1"})

    def test_with_the_same_id_and_input_answers_the_same_and_does_nothing_twice(self) -> None:
        command_id = uuid4()
        answers = [paint_wall(actor=WORKER, command_id=command_id, wall=1) for _ in range(2)]
        assert answers == [Coat(1, Decimal(1))] * 2
        assert LedgerEvent.objects.count() == 1

    @pytest.mark.parametrize("other", ["input", "command", "person"])
    def test_with_the_same_id_and_another_input_is_refused(self, other: str) -> None:
        command_id = uuid4()
        paint_wall(actor=WORKER, command_id=command_id, wall=1)
        with pytest.raises(CommandRefused) as refusal:
            if other == "input":
                paint_wall(actor=WORKER, command_id=command_id, wall=2)
            elif other == "command":
                paint_house(actor=WORKER, command_id=command_id, walls=[1])
            else:
                paint_wall(actor=Actor.system("other"), command_id=command_id, wall=1)
        assert refusal.value.code == "command_id_reused"
        assert not LedgerEvent.objects.filter(kind="tests.painted").exclude(subject_id="1").exists()

    def test_that_is_refused_undoes_all_and_the_attempt_is_in_the_ledger(self) -> None:
        command_id = uuid4()
        with pytest.raises(CommandRefused, match="at most 100"):
            paint_wall(actor=WORKER, command_id=command_id, wall=1, square_metres=Decimal(101), remark="Olga's wall")
        attempt = LedgerEvent.objects.get()
        assert (attempt.kind, attempt.subject_id, attempt.command_id) == (
            ATTEMPT_REFUSED,
            "tests.paint_wall",
            command_id,
        )
        assert attempt.data == {
            "code": "too_much",
            "inputs": {"wall": 1, "square_metres": "101"},
            "facts": {"limit": 100},
        }
        assert not CommandReceipt.objects.exists()

    def test_that_was_refused_may_be_tried_again_with_the_same_id(self) -> None:
        command_id = uuid4()
        with pytest.raises(CommandRefused):
            paint_wall(actor=PERSON, command_id=command_id, wall=1)
        assert paint_wall(actor=WORKER, command_id=command_id, wall=1) == Coat(1, Decimal(1))

    def test_without_the_right_is_refused_by_default(self) -> None:
        with pytest.raises(CommandRefused, match="You may not paint here") as refusal:
            paint_wall(actor=PERSON, command_id=uuid4(), wall=1)
        assert refusal.value.code == "not_allowed"

    def test_restricted_to_other_acts_is_refused_even_to_the_system(self) -> None:
        token = Actor(agent="erp", restricted_to=frozenset({"tests.other"}))
        with pytest.raises(CommandRefused, match="You may not paint"):
            paint_wall(actor=token, command_id=uuid4(), wall=1)

    def test_that_never_asks_for_a_right_is_a_mistake_and_undone(self) -> None:
        with pytest.raises(RuntimeError, match="never asked for a right"):
            forgetful(actor=WORKER, command_id=uuid4())
        assert not LedgerEvent.objects.exists()

    def test_keeps_secrets_and_free_text_out_of_the_ledger(self) -> None:
        with pytest.raises(CommandRefused):
            open_safe(actor=WORKER, command_id=uuid4(), combination=SecretStr("1-2-3"), remark="Olga told me")
        assert LedgerEvent.objects.get().data["inputs"] == {}

    def test_for_the_past_keeps_both_times(self) -> None:
        earlier = clock.now() - timedelta(hours=2)
        paint_wall.at(earlier)(WORKER, uuid4(), wall=1)
        event = LedgerEvent.objects.get()
        assert event.occurred_at == earlier
        assert event.recorded_at > earlier + timedelta(hours=1)

    def test_for_the_future_is_refused(self) -> None:
        with pytest.raises(CommandRefused, match="lies in the future"):
            paint_wall.at(clock.now() + timedelta(minutes=5))(WORKER, uuid4(), wall=1)


@pytest.mark.django_db
class TestANestedCommand:
    def test_joins_the_transaction_and_shares_the_id(self) -> None:
        command_id = uuid4()
        assert paint_house(actor=WORKER, command_id=command_id, walls=[1, 2]) == [
            Coat(1, Decimal(1)),
            Coat(2, Decimal(1)),
        ]
        assert list(LedgerEvent.objects.values_list("command_id", flat=True)) == [command_id] * 2
        assert CommandReceipt.objects.get().name == "tests.paint_house"

    def test_that_fails_undoes_the_whole(self) -> None:
        with pytest.raises(RuntimeError, match="no brush"):
            paint_house(actor=WORKER, command_id=uuid4(), walls=[1, 14])
        assert not LedgerEvent.objects.exists()


class TestSubscribers:
    @pytest.mark.django_db
    def test_of_an_event_that_causes_another_leave_the_cause(self) -> None:
        paint_wall(actor=WORKER, command_id=uuid4(), wall=13)
        painted = LedgerEvent.objects.get(kind="tests.painted")
        ran_out = LedgerEvent.objects.get(kind="tests.paint_ran_out")
        assert ran_out.cause_id == painted.pk

    @pytest.mark.django_db(transaction=True)
    def test_after_commit_hear_it_after_commit_and_their_failure_undoes_nothing(self) -> None:
        paint_wall(actor=WORKER, command_id=uuid4(), wall=15)
        assert heard == [("in transaction", 15), ("after commit", 15)]
        assert LedgerEvent.objects.filter(kind="tests.painted").exists()

    @pytest.mark.django_db(transaction=True)
    def test_after_commit_hear_nothing_of_what_was_undone(self) -> None:
        with pytest.raises(CommandRefused):
            paint_wall(actor=WORKER, command_id=uuid4(), wall=2, square_metres=Decimal(101))
        assert heard == [("in transaction", 2)]


class TestListeners:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | str, int]]:
        """Kind, subject and depth of what is heard; a wall of paint that ran out is painted once more."""
        told: list[tuple[str, int | str, int]] = []

        def listen(heard: Sequence[Heard], context: Context) -> None:
            for each in heard:
                told.append((each.event.kind, each.event.subject_id, len(each.causes)))
                if isinstance(each.event, PaintRanOut):
                    painter = context.after(each, Actor.system("painter", Origin.RULE))
                    painter.record(Painted(subject_id=17, square_metres=Decimal(1)))

        monkeypatch.setattr("apps.core.commands.LISTENERS", [listen])
        return told

    @pytest.mark.django_db
    def test_hear_all_once_the_command_is_through_and_what_they_record_themselves(
        self, told: list[tuple[str, int | str, int]]
    ) -> None:
        paint_house(actor=WORKER, command_id=uuid4(), walls=[1, 13])
        assert told == [
            ("tests.painted", 1, 0),
            ("tests.painted", 13, 0),
            ("tests.paint_ran_out", 13, 1),
            ("tests.painted", 17, 2),
        ]
        again = LedgerEvent.objects.get(subject_id="17")
        assert again.cause_id == LedgerEvent.objects.get(kind="tests.paint_ran_out").pk
        assert (again.agent, again.origin) == ("painter", Origin.RULE)

    @pytest.mark.django_db
    def test_hear_nothing_of_a_command_that_was_refused(self, told: list[tuple[str, int | str, int]]) -> None:
        with pytest.raises(CommandRefused):
            paint_wall(actor=WORKER, command_id=uuid4(), wall=2, square_metres=Decimal(101))
        assert told == []


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_with_one_id_have_one_effect_and_one_answer() -> None:
    command_id, answers, errors = uuid4(), [], []
    start = threading.Barrier(50)

    def send(command_id: UUID) -> None:
        try:
            start.wait()
            answers.append(paint_wall(actor=WORKER, command_id=command_id, wall=1))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[command_id]) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert answers == [Coat(1, Decimal(1))] * 50
    assert LedgerEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_foreign_transaction_is_a_mistake() -> None:
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        paint_wall(actor=WORKER, command_id=uuid4(), wall=1)
