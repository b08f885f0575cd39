"""The library: each book can be published on the demo plant, and a real job runs along each workflow of operations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from pydantic import SecretStr

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor.demo import load
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import JobOrder
from apps.plant.commands import sign_in_with_badge
from apps.plant.models import Person, Purpose, Terminal
from apps.workflows.check import check, errors_in
from apps.workflows.definition import Definition, WhereSpec
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.packages.commands import import_package
from apps.workflows.packages.library import Book, books
from apps.workflows.packages.preview import preview
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import install
from apps.workflows.signatures import Signed, sign_edge
from tests.orders.shop import SYSTEM, make_job, reason
from tests.seeded import seed_plant
from tests.world import PIN, World, give_role, make_person, make_terminal, make_world, run

pytestmark = pytest.mark.django_db

LIBRARY = books()
WORKFLOWS = {code for code, book in LIBRARY.items() if book.package.objects[0].kind == "workflow"}


def definition_of(book: Book) -> Definition:
    return Definition.model_validate(book.package.objects[0].content)


def test_there_is_a_book_for_each_way_of_working() -> None:
    assert {
        "plain_job_order", "first_article", "two_person_release", "customer_approval", "changeover_checklist",
        "rework_loop", "new_product", "engineering_change",
    } == WORKFLOWS  # fmt: skip
    assert LIBRARY.keys() - WORKFLOWS == {"full_inspection", "lot_containment"}


@pytest.mark.parametrize("code", LIBRARY)
def test_says_what_it_is_for_in_each_language(code: str) -> None:
    package = LIBRARY[code].package
    assert all(len(package.description[language]) > 80 for language, _name in settings.LANGUAGES)
    assert len(package.objects) == 1


def test_each_can_be_published_on_the_demo_plant() -> None:
    """Without an error; and what is warned of is only what its engineer has to fill in."""
    seed_plant()
    load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json")
    for code, book in LIBRARY.items():
        [packed] = book.package.objects
        if packed.kind == "rule":
            problems = check_rule(RuleSpec.model_validate(packed.content))
        else:
            definition = definition_of(book)
            problems = check(definition, KINDS[definition.kind])
        assert errors_in(problems) == [], code
        unfilled = [problem for problem in problems if "not known here yet" in problem.sentence]
        assert len(unfilled) == (code in {"customer_approval", "new_product"}), (code, problems)


def test_nothing_is_missing_on_a_seeded_plant_and_a_book_is_imported_once() -> None:
    seed_plant()
    world = make_world()
    give_role(world.pia, "process_engineer")
    for code, book in LIBRARY.items():
        lacking = {str(one.need) for one in preview(book.package, Actor(person_id=world.pia.pk)).lacking}
        assert all(one.startswith("work_center:") for one in lacking), code
        assert len(run(import_package, world.pia, text=book.text).drafts) == 1
        assert run(import_package, world.pia, text=book.text).drafts == {}
    assert set(
        Version.objects.exclude(workflow__code__in=["job_order", "exception"]).values_list("status", flat=True)
    ) == {"draft"}


class Floor:
    """One job on line L3 that runs by the book; Iris inspects, Quinn and Quill decide, Sven leads the shift."""

    def __init__(self, code: str) -> None:
        seed_plant()
        self.world: World = make_world()
        self.people = {
            name: self._person(name, role)
            for name, role in (
                ("iris", "inspector"),
                ("quinn", "quality_engineer"),
                ("quill", "quality_engineer"),
                ("sven", "shift_supervisor"),
            )
        }
        definition = definition_of(LIBRARY[code]).model_copy(update={"applies_to": [WhereSpec(line="L3")]})
        run(install, SYSTEM, definition=definition)
        self.terminal: Terminal = make_terminal(self.world.site)
        self.job = make_job(self.world.line, self.world.station, quantity=4)
        assert self.job.workflow_version.workflow.code == code

    def _person(self, name: str, role: str) -> Person:
        person = make_person(name, badge=name, pin=PIN, site=self.world.site)
        give_role(person, role, self.world.site)
        return person

    def who(self, name: str) -> Person:
        return self.people.get(name) or getattr(self.world, name)

    def do(self, name: str, edge: str, **inputs: Any) -> str:
        run(take_edge, self.who(name), job_order_id=self.job.pk, edge=edge, inputs=inputs)
        return self.state

    def sign(self, name: str, edge: str, **inputs: Any) -> Signed:
        person = self.who(name)
        return run(
            sign_edge,
            person,
            item_kind="job_order",
            item_id=self.job.pk,
            edge=edge,
            inputs=inputs,
            proof=self._proof(person),
        )

    def _proof(self, person: Person) -> UUID:
        if not person.pin:
            person.set_pin(PIN)
            person.save()
        made = uuid4()
        badge, pin = SecretStr(person.badge or ""), SecretStr(PIN)
        actor = Actor(terminal_id=self.terminal.pk)
        assert sign_in_with_badge(actor, made, terminal_id=self.terminal.pk, badge=badge, pin=pin).person_id
        return made

    def refused(self, name: str, edge: str, **inputs: Any) -> str:
        with pytest.raises(CommandRefused) as caught:
            self.do(name, edge, **inputs)
        return caught.value.code

    def refused_to_sign(self, name: str, edge: str, **inputs: Any) -> str:
        with pytest.raises(CommandRefused) as caught:
            self.sign(name, edge, **inputs)
        return caught.value.code

    def book(self, good: int) -> None:
        run(confirm_quantity, self.world.olga, job_order_id=self.job.pk, good=Decimal(good))

    @property
    def state(self) -> str:
        return str(JobOrder.objects.values_list("state", flat=True).get(pk=self.job.pk))


@pytest.fixture
def floor(request: pytest.FixtureRequest) -> Floor:
    return Floor(request.param)


def by(code: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("floor", [code], indirect=True, ids=[code])


@by("plain_job_order")
def test_plain_job_order(floor: Floor) -> None:
    assert floor.refused("olga", "set_up") == "unknown_edge"
    assert floor.do("olga", "start") == "running"
    assert floor.do("olga", "pause", reason=reason(Purpose.PAUSE)) == "paused"
    floor.do("olga", "resume")
    floor.book(4)
    assert floor.do("olga", "complete") == "completed"


@by("first_article")
def test_first_article_approval(floor: Floor) -> None:
    assert floor.refused("olga", "start") == "unknown_edge"
    floor.do("olga", "first_piece")
    assert floor.refused("olga", "complete") == "wrong_state"
    assert floor.refused("olga", "submit_first_piece") == "guard"
    floor.book(1)
    floor.do("olga", "submit_first_piece")
    assert floor.refused("olga", "approve_first_piece") == "wrong_role"
    assert floor.refused("iris", "approve_first_piece") == "signature_missing"
    assert floor.refused_to_sign("olga", "approve_first_piece") in {"wrong_role", "not_allowed"}
    assert floor.do("iris", "reject_first_piece", reason="Burr on the seat") == "first_piece"
    floor.do("olga", "submit_first_piece")
    assert floor.sign("iris", "approve_first_piece") == Signed(is_taken=True, missing=0)
    assert floor.state == "series"
    floor.book(3)
    assert floor.do("olga", "complete") == "completed"


@by("first_article")
def test_who_submits_a_first_piece_does_not_approve_it(floor: Floor) -> None:
    give_role(floor.who("olga"), "inspector", floor.world.site)
    floor.do("olga", "first_piece")
    floor.book(1)
    floor.do("olga", "submit_first_piece")
    assert floor.refused_to_sign("olga", "approve_first_piece") == "same_person"
    assert floor.state == "to_approve"


@by("first_article")
def test_a_first_piece_goes_back_three_times_at_most(floor: Floor) -> None:
    floor.do("olga", "first_piece")
    floor.book(1)
    for _ in range(3):
        floor.do("olga", "submit_first_piece")
        floor.do("iris", "reject_first_piece", reason="Not yet")
    floor.do("olga", "submit_first_piece")
    assert floor.refused("iris", "reject_first_piece", reason="Not yet") == "too_often"
    assert floor.do("olga", "hold", reason=reason(Purpose.HOLD)) == "held"


@by("two_person_release")
def test_two_person_release(floor: Floor) -> None:
    floor.do("olga", "start")
    floor.do("quinn", "hold", reason=reason(Purpose.HOLD))
    given = {"reason": reason(Purpose.RELEASE)}
    assert floor.refused("sven", "release_paused", **given) == "signature_missing"
    assert floor.refused_to_sign("quinn", "release_paused", **given) == "same_person"
    assert floor.sign("quill", "release_paused", **given) == Signed(is_taken=False, missing=1)
    assert floor.refused_to_sign("quill", "release_paused") == "signed_already"
    assert floor.state == "held"
    assert floor.sign("sven", "release_paused") == Signed(is_taken=True, missing=0)
    assert floor.state == "paused"
    floor.do("olga", "resume")
    floor.book(4)
    assert floor.do("olga", "complete") == "completed"


@by("customer_approval")
def test_customer_specific_approval(floor: Floor) -> None:
    floor.do("olga", "start")
    assert floor.refused("olga", "complete") == "unknown_edge"
    floor.book(4)
    floor.do("olga", "hand_over")
    assert floor.refused_to_sign("iris", "approve") == "input_missing"
    assert floor.do("iris", "send_back", reason="Label is missing") == "paused"
    floor.do("olga", "resume")
    floor.do("olga", "hand_over")
    assert floor.sign("iris", "approve", certificate="C-2041").is_taken
    assert floor.state == "completed"


@by("customer_approval")
def test_a_customer_gets_less_only_with_a_reason(floor: Floor) -> None:
    floor.do("olga", "start")
    floor.book(3)
    floor.do("olga", "hand_over")
    assert floor.refused_to_sign("iris", "approve", certificate="C-2041") == "short"
    assert floor.sign("iris", "approve_short", reason=reason(Purpose.SHORT_COMPLETION)).is_taken


@by("changeover_checklist")
def test_changeover_with_checklist(floor: Floor) -> None:
    done = dict.fromkeys(("tool_changed", "old_cleared", "programme_loaded", "guards_closed"), True)
    assert floor.refused("olga", "start", **done) == "wrong_state"
    floor.do("olga", "set_up")
    assert floor.refused("olga", "start") == "input_missing"
    for name in done:
        assert floor.refused("olga", "start", **{**done, name: False}) == "guard"
    assert floor.do("olga", "start", **done) == "running"
    floor.book(4)
    assert floor.do("olga", "complete") == "completed"


@by("rework_loop")
def test_rework_loop(floor: Floor) -> None:
    floor.do("olga", "start")
    floor.book(4)
    floor.do("olga", "to_check")
    assert floor.refused("olga", "accept") == "wrong_role"
    for _ in range(2):
        assert floor.do("iris", "rework", reason="Leaks") == "reworking"
        assert floor.do("olga", "rework_done") == "checked"
    assert floor.refused("iris", "rework", reason="Leaks") == "too_often"
    assert floor.do("iris", "accept") == "completed"


@by("rework_loop")
def test_what_can_not_be_reworked_any_more_is_held_and_decided(floor: Floor) -> None:
    floor.do("olga", "start")
    floor.do("olga", "to_check")
    assert floor.do("quinn", "hold", reason=reason(Purpose.HOLD)) == "held"
    assert floor.refused("olga", "release_paused", reason=reason(Purpose.RELEASE)) == "wrong_role"
    assert floor.do("quinn", "release_paused", reason=reason(Purpose.RELEASE)) == "paused"


@by("new_product")
def test_new_product_introduction(floor: Floor) -> None:
    there = dict.fromkeys(("drawing_released", "work_instruction", "gauges_ready", "people_trained"), True)
    assert floor.refused("olga", "first_piece") == "wrong_state"
    assert floor.refused("quinn", "confirm_readiness", **{**there, "people_trained": False}) == "guard"
    floor.do("quinn", "confirm_readiness", **there)
    floor.do("olga", "first_piece")
    floor.book(1)
    floor.do("olga", "submit_first_piece")
    assert floor.sign("iris", "approve_first_piece").is_taken
    assert floor.state == "to_release"
    assert floor.refused("olga", "complete") == "wrong_state"
    assert floor.sign("quinn", "release_series").missing == 1
    assert floor.sign("sven", "release_series").is_taken
    assert floor.state == "series"
    floor.book(3)
    assert floor.do("olga", "complete") == "completed"
