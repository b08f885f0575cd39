"""The best supervisor's way of solving it: written down, published by somebody else, shown, and tried by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.andon.commands import (
    acknowledge,
    apply_cure,
    draft_playbook,
    draft_rule_from,
    draft_step_from,
    follow_step,
    publish_playbook,
    reopen,
    resolve,
    save_playbook_draft,
    submit_playbook,
)
from apps.andon.cures import Subject, cures_for
from apps.andon.models import (
    AloneRun,
    AppliedCure,
    ExceptionStatus,
    ExceptionType,
    FloorException,
    Playbook,
    PlaybookStep,
    PlaybookVersion,
    Remark,
)
from apps.andon.playbooks import Suggestion, playbook_for
from apps.andon.tasks import act_alone_where_due
from apps.core.errors import CommandRefused
from apps.orders.commands import take_edge
from apps.orders.models import JobOrder
from apps.plant.models import Person, WorkUnit
from apps.workflows.models import RuleVersion
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from tests.andon.floor import SYSTEM, Floor, fresh, later, make_floor, raise_it
from tests.orders.shop import make_job
from tests.world import actor_of, give_role, ledger, make_line, make_person, make_station, run

pytestmark = pytest.mark.django_db
MOVE: dict[str, Any] = {"code": "move", "labels": {"en": "Move it"}, "cure": "move"}
SWAP: dict[str, Any] = {"code": "swap", "labels": {"en": "Swap the gauge", "de": "Lehre tauschen"}}


@dataclass
class Book:
    """Machine A33 at line L3 with a free neighbour A34; pia and petr may set up playbooks."""

    floor: Floor
    other: WorkUnit
    orders: int = 0

    @property
    def pia(self) -> Any:
        return self.floor.world.pia

    def publish(self, *steps: dict[str, Any], code: str = "downtime", **context: Any) -> PlaybookVersion:
        kind = ExceptionType.objects.get(code="downtime")
        details = {"name": code, "type": kind, "site": self.floor.world.site, **context}
        playbook, _new = Playbook.objects.get_or_create(code=code, defaults=details)
        version_id = run(draft_playbook, self.pia, playbook_id=playbook.pk)
        self.write(version_id, *steps)
        run(submit_playbook, self.pia, version_id=version_id)
        run(publish_playbook, self.petr, version_id=version_id, note="Seen at line 3.")
        return PlaybookVersion.objects.get(pk=version_id)

    def write(self, version_id: int, *steps: dict[str, Any]) -> None:
        numbered = [{"position": position, **step} for position, step in enumerate(steps, start=1)]
        run(save_playbook_draft, self.pia, version_id=version_id, steps=numbered)

    @property
    def petr(self) -> Any:
        known = Person.objects.filter(username="petr").first()
        if known is None:
            known = make_person("petr", site=self.floor.world.site)
            give_role(known, "process_engineer", self.floor.world.site)
        return known

    def job(self) -> JobOrder:
        self.orders += 1
        return make_job(self.floor.world.line, self.floor.world.station, number=f"WO-{self.orders}")

    def stop(self, key: str = "A33") -> FloorException:
        world = self.floor.world
        exception_id = run(
            raise_it,
            SYSTEM,
            type_code="downtime",
            key=key,
            site_id=world.site.pk,
            line_id=world.line.pk,
            unit_id=world.station.pk,
        )
        return FloorException.objects.get(pk=exception_id)

    def shown(self, stop: FloorException) -> list[Suggestion]:
        return playbook_for(stop, actor_of(self.floor.sven))


@pytest.fixture
def book() -> Book:
    floor = make_floor()
    return Book(floor, make_station(floor.world.line, "A34", position=2))


class TestShown:
    def test_are_the_steps_in_their_order_with_the_ways_to_apply_them(self, book: Book) -> None:
        book.publish(SWAP, MOVE)
        book.job()
        swap, move = book.shown(book.stop())
        assert (swap.is_instruction, swap.step.label("de"), swap.record) == (True, "Lehre tauschen", None)
        assert [way.offer.label for way in move.ways] == ["Move WO-1 to A34"]

    def test_is_nothing_without_a_playbook(self, book: Book) -> None:
        assert book.shown(book.stop()) == []

    def test_is_the_most_exact_one(self, book: Book) -> None:
        book.publish(SWAP)
        book.publish(MOVE, code="at-line-3", work_center=book.floor.world.line)
        book.publish(SWAP, code="elsewhere", work_center=make_line(book.floor.world.area, "L4"))
        assert [each.step.code for each in book.shown(book.stop())] == ["move"]

    def test_offers_only_the_ways_that_were_chosen_in_advance(self, book: Book) -> None:
        third = make_station(book.floor.world.line, "A35", position=3)
        book.publish({**MOVE, "inputs": {"unit": third.pk}})
        book.job()
        (move,) = book.shown(book.stop())
        assert [way.offer.label for way in move.ways] == ["Move WO-1 to A35"]

    def test_is_not_the_draft(self, book: Book) -> None:
        version = book.publish(SWAP)
        draft = run(draft_playbook, book.pia, playbook_id=version.playbook_id)
        book.write(draft, SWAP, MOVE)
        assert [each.step.code for each in book.shown(book.stop())] == ["swap"]


class TestWhatWorkedBefore:
    def swapped(self, book: Book, *, minutes: int, key: str) -> FloorException:
        stop = book.stop(key)
        (swap,) = book.shown(stop)
        run(follow_step, book.floor.sven, exception_id=stop.pk, step_id=swap.step.pk)
        later(minutes=minutes)
        return stop

    def test_is_how_often_it_ended_the_exception_and_how_fast(self, book: Book) -> None:
        book.publish(SWAP)
        for number, minutes in enumerate((4, 6, 9)):
            self.swapped(book, minutes=minutes, key=f"M{number}")
            book.floor.end(f"M{number}")
        self.swapped(book, minutes=300, key="M9")
        (swap,) = book.shown(fresh(book.stop("M9")))
        assert swap.record is not None
        assert (swap.record.tried, swap.record.worked, swap.record.median_minutes) == (4, 3, 6)

    def test_does_not_count_what_was_done_a_moment_ago(self, book: Book) -> None:
        book.publish(SWAP)
        stop = self.swapped(book, minutes=1, key="M1")
        assert book.shown(stop)[0].record is None

    def test_is_not_what_was_followed_by_something_else(self, book: Book) -> None:
        book.publish(SWAP)
        stop = self.swapped(book, minutes=5, key="M1")
        run(follow_step, book.floor.sven, exception_id=stop.pk, step_id=book.shown(stop)[0].step.pk)
        later(minutes=2)
        book.floor.end("M1")
        record = book.shown(book.stop("M2"))[0].record
        assert record is not None
        assert (record.tried, record.worked, record.median_minutes) == (2, 1, 2)

    def test_is_not_what_was_opened_again(self, book: Book) -> None:
        book.publish(SWAP)
        stop = self.swapped(book, minutes=5, key="M1")
        codes = {"resolution": "repaired", "cause": "wear"}
        run(acknowledge, book.floor.mia, exception_id=stop.pk)
        run(resolve, book.floor.mia, exception_id=stop.pk, **codes)
        run(reopen, book.floor.mia, exception_id=stop.pk)
        later(minutes=1)
        book.floor.end("M1")
        record = book.shown(book.stop("M2"))[0].record
        assert record is not None
        assert (record.tried, record.worked) == (1, 0)


class TestADraft:
    def test_is_published_by_somebody_else_with_a_reason(self, book: Book) -> None:
        version = book.publish(SWAP)
        draft = run(draft_playbook, book.pia, playbook_id=version.playbook_id)
        with pytest.raises(CommandRefused, match="Submit it for review first"):
            run(publish_playbook, book.petr, version_id=draft, note="More.")
        run(submit_playbook, book.pia, version_id=draft)
        for who, note, code in ((book.pia, "x", "own_work"), (book.petr, " ", "note_missing")):
            with pytest.raises(CommandRefused) as refused:
                run(publish_playbook, who, version_id=draft, note=note)
            assert refused.value.code == code
        run(publish_playbook, book.petr, version_id=draft, note="More.")
        assert dict(PlaybookVersion.objects.values_list("pk", "status")) == {version.pk: "retired", draft: "published"}
        assert PlaybookStep.objects.get(version=draft).code == "swap", "it begins as a copy"

    def test_with_a_step_that_does_not_exist_or_needs_a_signature_is_refused(self, book: Book) -> None:
        for step, code in (
            ({**SWAP, "cure": "no-such-cure"}, "no_cure"),
            ({**SWAP, "cure": "substitute", "acts_alone": True}, "needs_person"),
        ):
            with pytest.raises(CommandRefused) as refused:
                book.publish(step)
            assert refused.value.code == code
            PlaybookVersion.objects.filter(status="draft").delete()

    def test_is_begun_by_who_may_set_up_exceptions_only(self, book: Book) -> None:
        version = book.publish(SWAP)
        with pytest.raises(CommandRefused) as refused:
            run(draft_playbook, book.floor.sven, playbook_id=version.playbook_id)
        assert refused.value.code == "not_allowed"

    def test_once_published_never_changes(self, book: Book) -> None:
        version = book.publish(SWAP)
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            PlaybookStep.objects.filter(version=version).update(labels={"en": "Kick it"})
        with pytest.raises(IntegrityError), transaction.atomic():
            PlaybookVersion.objects.filter(pk=version.pk).update(note="another")


class TestAStepFromWhatHelped:
    def test_is_the_cure_that_was_applied_as_a_draft(self, book: Book) -> None:
        book.job()
        stop = book.stop()
        with pytest.raises(CommandRefused) as refused:
            run(draft_step_from, book.floor.sven, exception_id=stop.pk)
        assert refused.value.code == "not_resolved"
        self.move(book, stop)
        book.floor.end("A33")
        step = PlaybookStep.objects.get(pk=run(draft_step_from, book.floor.sven, exception_id=stop.pk))
        assert (step.cure, step.inputs, step.version.status) == ("move", {}, "draft")
        with pytest.raises(CommandRefused) as refused:
            run(publish_playbook, book.floor.sven, version_id=step.version_id, note="x")
        assert refused.value.code == "not_allowed"
        with pytest.raises(CommandRefused) as refused:
            run(draft_step_from, book.floor.sven, exception_id=stop.pk)
        assert refused.value.code == "known_already"

    def move(self, book: Book, stop: FloorException) -> None:
        way = cures_for([Subject(stop)], actor_of(book.floor.sven))[Subject(stop)][0]
        run(apply_cure, book.floor.sven, exception_id=stop.pk, cure="move", inputs=dict(way.offer.inputs))

    def test_is_an_instruction_where_no_cure_was_applied(self, book: Book) -> None:
        stop = book.stop()
        run(acknowledge, book.floor.mia, exception_id=stop.pk)
        run(resolve, book.floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
        step = PlaybookStep.objects.get(pk=run(draft_step_from, book.floor.mia, exception_id=stop.pk))
        assert (step.code, step.cure) == ("repaired", "")
        assert step.labels == fresh(stop).resolution.labels

    def test_is_nothing_of_what_ended_by_itself(self, book: Book) -> None:
        stop = book.stop()
        book.floor.end("A33")
        with pytest.raises(CommandRefused) as refused:
            run(draft_step_from, book.floor.sven, exception_id=stop.pk)
        assert refused.value.code == "nothing_done"


class TestARuleFromWhatHelped:
    def solved(self, book: Book) -> FloorException:
        give_role(book.pia, "process_engineer")
        stop = book.stop()
        run(acknowledge, book.pia, exception_id=stop.pk)
        with pytest.raises(CommandRefused) as refused:
            run(draft_rule_from, book.pia, exception_id=stop.pk)
        assert refused.value.code == "not_resolved"
        run(resolve, book.pia, exception_id=stop.pk, resolution="repaired", cause="wear")
        return stop

    def test_is_a_draft_that_can_be_published_and_then_gives_the_next_one_to_them(self, book: Book) -> None:
        stop = self.solved(book)
        version = RuleVersion.objects.get(pk=run(draft_rule_from, book.pia, exception_id=stop.pk))
        assert (version.status, version.author_id) == ("draft", book.pia.pk)
        spec = RuleSpec.model_validate(version.content)
        assert [problem for problem in check_rule(spec) if problem.is_error] == []
        assert spec.event == "andon.exception_raised"
        assert [(row.field, row.value) for row in spec.conditions] == [("event.type", stop.type.code)]
        assert spec.scope[0].line == "L3"
        assert [action.parameters for action in spec.actions] == [{"role": "process_engineer"}]
        with pytest.raises(CommandRefused) as refused:
            run(draft_rule_from, book.pia, exception_id=stop.pk)
        assert refused.value.code == "known_already"

    def test_is_for_those_who_may_edit_rules(self, book: Book) -> None:
        stop = self.solved(book)
        with pytest.raises(CommandRefused) as refused:
            run(draft_rule_from, book.floor.sven, exception_id=stop.pk)
        assert refused.value.code == "not_allowed"
        assert not RuleVersion.objects.filter(author_id=book.floor.sven.pk).exists()


class TestActingAlone:
    @pytest.fixture
    def alone(self, book: Book) -> PlaybookVersion:
        return book.publish({**MOVE, "acts_alone": True})

    def test_is_done_once_and_seen(self, book: Book, alone: PlaybookVersion) -> None:
        job = book.job()
        stop = book.stop()
        assert act_alone_where_due.run() == 1
        assert JobOrder.objects.get(pk=job.pk).work_unit == book.other
        applied = AppliedCure.objects.get()
        assert (applied.step, applied.person) == (alone.steps.get(), None)
        assert Remark.objects.get(exception=stop).text == "Done by playbook downtime v1: Move WO-1 to A34."
        assert ledger("andon.acted_alone")[0].data["outcome"] == "done"
        assert act_alone_where_due.run() == 0
        book.stop()
        assert act_alone_where_due.run() == 0, "the second report joins the first"

    @pytest.mark.usefixtures("alone")
    def test_that_fails_leaves_the_exception_as_it_was_raised(self, book: Book) -> None:
        job = book.job()
        run(take_edge, book.floor.world.olga, job_order_id=job.pk, edge="start", inputs={})
        stop = book.stop()
        act_alone_where_due.run()
        assert AloneRun.objects.get().outcome == "failed"
        assert fresh(stop).status == ExceptionStatus.OPEN
        assert not AppliedCure.objects.exists()

    def test_that_fails_three_times_is_switched_off_and_somebody_owns_that(
        self, book: Book, alone: PlaybookVersion
    ) -> None:
        for number in range(3):
            book.stop(f"M{number}")
            act_alone_where_due.run()
            later(minutes=1)
        off = FloorException.objects.get(cause_kind="playbook_off")
        assert "downtime v1" in off.sentence
        book.job()
        book.stop("M7")
        act_alone_where_due.run()
        assert AloneRun.objects.latest("pk").outcome == "needless", "it is not tried any more"
        draft = run(draft_playbook, book.pia, playbook_id=alone.playbook_id)
        run(submit_playbook, book.pia, version_id=draft)
        run(publish_playbook, book.petr, version_id=draft, note="Mended.")
        assert fresh(off).status == ExceptionStatus.CLOSED
        book.stop("M8")
        act_alone_where_due.run()
        assert AloneRun.objects.latest("pk").outcome == "done"

    @pytest.mark.usefixtures("alone")
    def test_that_comes_too_late_does_nothing(self, book: Book) -> None:
        job = book.job()
        book.stop()
        book.floor.end("A33")
        act_alone_where_due.run()
        assert AloneRun.objects.get().outcome == "needless"
        assert JobOrder.objects.get(pk=job.pk).work_unit == book.floor.world.station

    def test_an_instruction_never_acts_alone(self, book: Book) -> None:
        version = book.publish(SWAP)
        draft = run(draft_playbook, book.pia, playbook_id=version.playbook_id)
        with pytest.raises(IntegrityError, match="alone_by_a_cure_only"), transaction.atomic():
            PlaybookStep.objects.filter(version=draft).update(acts_alone=True)


def test_following_a_step_is_for_who_may_answer(book: Book) -> None:
    book.publish(SWAP)
    stop = book.stop()
    step = PlaybookStep.objects.get()
    with pytest.raises(CommandRefused) as refused:
        run(follow_step, book.floor.world.olga, exception_id=stop.pk, step_id=step.pk)
    assert refused.value.code == "not_allowed"


def test_a_step_is_followed_or_applied_as_it_was_published_only(book: Book) -> None:
    version = book.publish(SWAP, MOVE)
    book.job()
    stop = book.stop()
    draft = run(draft_playbook, book.pia, playbook_id=version.playbook_id)
    swap, move = PlaybookStep.objects.filter(version=draft).order_by("position")
    inputs = dict(cures_for([Subject(stop)], actor_of(book.floor.sven))[Subject(stop)][0].offer.inputs)
    for command, asked in (
        (follow_step, {"step_id": swap.pk}),
        (apply_cure, {"cure": "move", "inputs": inputs, "step_id": move.pk}),
    ):
        with pytest.raises(CommandRefused) as refused:
            run(command, book.floor.sven, exception_id=stop.pk, **asked)
        assert refused.value.code == "no_step"
    assert not AppliedCure.objects.exists()
