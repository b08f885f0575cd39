"""Who lacks a qualification takes a step all the same together with a partner who has it, where that is allowed."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from apps.andon.commands import apply_cure
from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import FloorException, Informed, Notification, Remark
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.labor.commands import clock_off
from apps.labor.models import TimeEntry
from apps.orders.commands import call_for_skill, stop_working_together, take_edge, work_together
from apps.orders.models import JobOrder, Partnership
from apps.plant.commands import go_off_duty, sign_in_at_desk, sign_in_with_badge
from apps.plant.models import Person, PersonSkill, Presence, Purpose, Skill, Terminal
from apps.workflows.exits import Exit, exits
from tests.materials.stock_world import queries_of
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop, reason
from tests.test_bypass import publish_edge
from tests.world import (
    PASSWORD,
    PIN,
    actor_of,
    give_role,
    give_skill,
    ledger,
    make_person,
    make_role,
    make_terminal,
    run,
)

pytestmark = pytest.mark.django_db
SKILLS = ("brazing", "crane", "welding")


class Floor:
    """Who starts an operation here must weld, or work together with who can; Olga can't."""

    def __init__(self, *skills: str, partner_suffices: bool = True) -> None:
        shop = make_shop()
        for skill in SKILLS:
            Skill.objects.create(code=skill, name=skill)
        publish_edge("start", skills=list(skills) or ["welding"], partner_suffices=partner_suffices)
        make_role("operator", "plant.own_duty")
        self.shop = Shop(shop.world, make_job(shop.world.line, shop.world.station, number="WO-W"))
        self.olga: Person = shop.world.olga
        self.lena: Person = shop.world.lena
        self.terminal: Terminal = make_terminal(shop.world.site, station=shop.world.station)

    @property
    def job(self) -> JobOrder:
        rows = JobOrder.objects.select_related("work_order", "workflow_version", "work_center__site")
        return rows.get(pk=self.shop.job.pk)

    def welder(self, name: str, *skills: str, until: str | None = None) -> Person:
        """Who may run operations here, and has these skills."""
        person = make_person(name, site=self.shop.world.site, badge=name, pin=PIN, password=PASSWORD)
        give_role(person, "operator", self.shop.world.line)
        for skill in skills:
            give_skill(person, skill, until=until)
        return person

    def proof(self, person: Person) -> UUID:
        made = uuid4()
        actor, badge, pin = Actor(terminal_id=self.terminal.pk), SecretStr(person.badge or ""), SecretStr(PIN)
        assert sign_in_with_badge(actor, made, terminal_id=self.terminal.pk, badge=badge, pin=pin).person_id
        return made

    def join(self, partner: Person, with_: Person | None = None, **given: Any) -> int:
        given = {"proof": given["proof"] if "proof" in given else self.proof(partner)}
        other = with_ or self.olga
        return int(run(work_together, partner, job_order_id=self.job.pk, with_person_id=other.pk, **given))

    def take(self, edge: str, who: Person | None = None) -> None:
        inputs = {"reason": reason(Purpose.PAUSE)} if edge == "pause" else {}
        run(take_edge, who or self.olga, job_order_id=self.job.pk, edge=edge, inputs=inputs)

    def refused(self, partner: Person, **given: Any) -> str:
        with pytest.raises(CommandRefused) as refused:
            self.join(partner, **given)
        assert not Partnership.objects.exists()
        return refused.value.code

    def start_refused(self, who: Person | None = None) -> CommandRefused:
        with pytest.raises(CommandRefused) as refused:
            self.take("start", who)
        return refused.value

    def start(self, who: Person | None = None) -> Exit:
        return next(way for way in exits(self.job, actor_of(who or self.olga)) if way.code == "start")

    def on(self) -> set[int]:
        return set(TimeEntry.objects.open().filter(job_order=self.job).values_list("person_id", flat=True))

    def ended(self) -> list[str]:
        return list(Partnership.objects.order_by("pk").values_list("ended_by", flat=True))


@pytest.fixture
def floor() -> Floor:
    return Floor()


class TestTogether:
    def test_the_refusal_says_that_a_partner_would_do(self, floor: Floor) -> None:
        refusal = floor.start_refused()
        assert refusal.code == "not_qualified"
        assert refusal.sentence.endswith("Somebody qualified who works together with you would do.")
        way = floor.start()
        assert (way.possible, way.refusal, way.by_partner) == (False, "not_qualified", True)

    def test_who_is_not_qualified_takes_the_step(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        assert floor.start().possible
        floor.take("start")
        assert floor.job.status == "running"

    def test_both_are_named_in_the_ledger_and_by_their_times(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        floor.take("start")
        (began,) = ledger("orders.work_together_began")
        assert (began.actor_id, began.data["person_id"], began.data["asked_by_id"]) == (
            wanda.pk,
            wanda.pk,
            floor.olga.pk,
        )
        (taken,) = ledger("workflows.edge_taken_together")
        assert (taken.actor_id, taken.data["partner_id"], taken.data["edge"]) == (floor.olga.pk, wanda.pk, "start")
        assert floor.on() == {floor.olga.pk, wanda.pk}
        assert {event.data["person_id"] for event in ledger("labor.clocked_on")} == {floor.olga.pk, wanda.pk}

    def test_the_partner_is_off_and_on_with_the_operation(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        floor.take("start")
        floor.take("pause")
        assert floor.on() == set()
        floor.take("resume")
        assert floor.on() == {floor.olga.pk, wanda.pk}

    def test_a_partner_of_what_runs_already_is_on_at_once(self, floor: Floor) -> None:
        wanda, willy = floor.welder("wanda", "welding"), floor.welder("willy", "welding")
        publish_edge("pause", skills=["welding"], partner_suffices=True)
        floor.shop = Shop(floor.shop.world, make_job(floor.shop.world.line, floor.shop.world.station, number="WO-X"))
        floor.take("start", willy)
        floor.join(wanda)
        assert floor.on() == {willy.pk, wanda.pk}

    def test_who_is_qualified_needs_and_names_no_partner(self, floor: Floor) -> None:
        wanda, willy = floor.welder("wanda", "welding"), floor.welder("willy", "welding")
        floor.join(wanda)
        floor.take("start", willy)
        assert ledger("workflows.edge_taken_together") == []

    def test_it_is_not_possible_where_the_engineer_has_not_allowed_it(self) -> None:
        floor = Floor(partner_suffices=False)
        wanda = floor.welder("wanda", "welding")
        assert floor.refused(wanda) == "no_partner_needed"
        assert "works together" not in floor.start_refused().sentence
        assert not floor.start().by_partner


class TestConsent:
    def test_is_refused_to_who_lacks_the_skill_too(self, floor: Floor) -> None:
        assert floor.refused(floor.welder("carla", "crane")) == "cannot_lend"
        assert floor.refused(floor.welder("lapsed", "welding", until="2020-01-01")) == "cannot_lend"

    def test_is_refused_to_who_may_not_run_operations_there(self, floor: Floor) -> None:
        otto = floor.shop.world.otto
        otto.set_pin(PIN)
        otto.save()
        give_skill(otto, "welding")
        assert floor.refused(otto) == "not_allowed"

    def test_is_refused_to_the_same_person(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        assert floor.refused(wanda, with_=wanda) == "same_person"

    def test_is_the_partners_own_and_given_there_just_now(self, floor: Floor) -> None:
        wanda, willy = floor.welder("wanda", "welding"), floor.welder("willy", "welding")
        assert floor.refused(wanda, proof=uuid4()) == "not_proved"
        assert floor.refused(wanda, proof=floor.proof(willy)) == "not_proved"
        at_desk = uuid4()
        sign_in_at_desk(SYSTEM, at_desk, username="wanda", password=SecretStr(PASSWORD))
        assert floor.refused(wanda, proof=at_desk) == "not_proved"

    def test_is_used_once(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        proof = floor.proof(wanda)
        floor.join(wanda, proof=proof)
        run(stop_working_together, wanda, job_order_id=floor.job.pk)
        with pytest.raises(CommandRefused) as refused:
            floor.join(wanda, proof=proof)
        assert refused.value.code == "not_proved"

    def test_given_twice_is_one(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        assert floor.join(wanda) == floor.join(wanda)
        assert Partnership.objects.count() == 1

    def test_is_not_needed_with_who_is_qualified(self, floor: Floor) -> None:
        wanda, willy = floor.welder("wanda", "welding"), floor.welder("willy", "welding")
        assert floor.refused(wanda, with_=willy) == "cannot_lend"

    def test_is_one_at_a_time_in_the_database(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        row = Partnership.objects.get(pk=floor.join(wanda))
        for changed in ({}, {"person_id": floor.olga.pk}):
            again = {"site_id": row.site_id, "job_order_id": row.job_order_id, "person_id": wanda.pk, **changed}
            with pytest.raises(IntegrityError), transaction.atomic():
                Partnership.objects.create(
                    **again, asked_by=floor.olga, proof=uuid4(), started_at=row.started_at + timedelta(hours=1)
                )


class TestTheEnd:
    def test_comes_when_the_partner_says_so(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        floor.take("start")
        run(stop_working_together, wanda, job_order_id=floor.job.pk)
        assert floor.ended() == ["person"]
        assert floor.on() == {floor.olga.pk}
        assert ledger("orders.work_together_ended")[0].data["ended_by"] == "person"

    def test_leaves_the_step_closed_again(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        run(stop_working_together, wanda, job_order_id=floor.job.pk)
        assert floor.start_refused().code == "not_qualified"

    def test_said_by_another_leaves_the_partners_time_alone(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        floor.take("start")
        run(stop_working_together, floor.olga, job_order_id=floor.job.pk, person_id=wanda.pk)
        assert floor.ended() == ["person"]
        assert floor.on() == {floor.olga.pk, wanda.pk}

    def test_is_refused_where_nobody_works_together_or_to_who_may_not(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        with pytest.raises(CommandRefused) as refused:
            run(stop_working_together, wanda, job_order_id=floor.job.pk)
        assert refused.value.code == "not_together"
        floor.join(wanda)
        with pytest.raises(CommandRefused) as refused:
            run(stop_working_together, floor.shop.world.otto, job_order_id=floor.job.pk, person_id=wanda.pk)
        assert refused.value.code == "not_allowed"
        assert floor.ended() == [""]

    def test_comes_with_the_end_of_the_operation(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        floor.take("start")
        run(take_edge, floor.olga, job_order_id=floor.job.pk, edge="complete_short", inputs=short())
        assert floor.ended() == ["job"]
        assert floor.on() == set()
        assert TimeEntry.objects.get(person=wanda).closed_by == "job"

    def test_comes_when_the_partner_goes_home_or_is_clocked_off(self, floor: Floor) -> None:
        wanda, willy = floor.welder("wanda", "welding"), floor.welder("willy", "welding")
        floor.join(wanda)
        assert Presence.objects.open().filter(person=wanda).exists()
        run(go_off_duty, wanda)
        assert floor.ended() == ["absence"]
        assert floor.start_refused().code == "not_qualified"
        floor.join(willy)
        floor.take("start")
        run(clock_off, willy, job_order_id=floor.job.pk)
        assert floor.ended() == ["absence", "absence"]

    def test_comes_when_the_partners_qualification_lapses(self, floor: Floor) -> None:
        wanda = floor.welder("wanda", "welding")
        floor.join(wanda)
        PersonSkill.objects.filter(person=wanda).update(valid_until="2020-01-01")
        assert not floor.start().possible
        assert floor.start_refused().code == "not_qualified"


class TestAssigningAPartner:
    def test_asks_somebody_who_is_there_and_ends_when_the_step_is_taken(self, floor: Floor) -> None:
        wanda = present(floor.welder("wanda", "welding"), floor)
        present(floor.welder("carla", "crane", "brazing"), floor)
        run(call_for_skill, floor.olga, job_order_id=floor.job.pk, edge="start")
        (way,) = ways(floor)
        assert (way.offer.label, way.is_possible) == ("Ask Wanda to work together", True)
        run(apply_cure, floor.lena, exception_id=called().pk, cure="assign_partner", inputs={"person": wanda.pk})
        assert "WO-W operation 10 Step 1" in Remark.objects.latest("pk").text
        assert Informed.objects.filter(person=wanda).exists()
        assert Notification.objects.filter(person=wanda).exists()
        assert ways(floor)[0].why_not.startswith("Wanda was asked at ")
        floor.join(wanda)
        assert ways(floor)[0].why_not == "Wanda works together there already: the step can be taken."
        assert called().is_open
        floor.take("start")
        assert FloorException.objects.get(cause_kind="missing_skill").status == "closed"

    def test_looks_for_what_is_missing_only(self) -> None:
        floor = Floor("welding", "crane")
        give_skill(floor.olga, "crane")
        present(floor.welder("wanda", "welding"), floor)
        run(call_for_skill, floor.olga, job_order_id=floor.job.pk, edge="start")
        assert [way.offer.label for way in ways(floor)] == ["Ask Wanda to work together"]

    def test_says_who_could_where_nobody_is_there(self, floor: Floor) -> None:
        floor.welder("wanda", "welding")
        run(call_for_skill, floor.olga, job_order_id=floor.job.pk, edge="start")
        assert [way.why_not for way in ways(floor)] == ["Nobody who is qualified is on duty. Qualified are: Wanda."]

    def test_is_not_offered_where_a_partner_does_not_suffice(self) -> None:
        floor = Floor(partner_suffices=False)
        present(floor.welder("wanda", "welding"), floor)
        run(call_for_skill, floor.olga, job_order_id=floor.job.pk, edge="start")
        assert ways(floor) == []


some_skills = st.frozensets(st.sampled_from(SKILLS))
numbers = count(1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(needed=some_skills, own=some_skills, others=st.lists(some_skills, max_size=2), suffices=st.booleans())
def test_nobody_takes_a_step_without_the_skill_unless_one_partner_has_all_that_is_missing(
    floor: Floor, needed: frozenset[str], own: frozenset[str], others: list[frozenset[str]], suffices: bool
) -> None:
    """Partners are laid down as rows, so that what the step asks is tried alone, whoever was let in as a partner."""
    publish_edge("start", skills=sorted(needed), partner_suffices=suffices)
    number = next(numbers)
    job = make_job(floor.shop.world.line, None, number=f"WO-P{number}")
    floor.shop = Shop(floor.shop.world, job)
    actor, *partners = (floor.welder(f"n{number}-{n}", *skills) for n, skills in enumerate([own, *others]))
    for partner in partners:
        Partnership.objects.create(
            site=job.site, job_order=job, person=partner, asked_by=actor, proof=uuid4(), started_at=clock.now()
        )
    missing = needed - own
    may = not missing or (suffices and any(missing <= skills for skills in others))
    assert floor.start(actor).possible is may
    if may:
        floor.take("start", actor)
    else:
        assert floor.start_refused(actor).code == "not_qualified"
    assert floor.job.status == ("running" if may else "ready")


def test_a_step_without_skills_asks_nothing_of_partners(floor: Floor) -> None:
    job = floor.job
    partners = [floor.welder(name, "welding") for name in ("wanda", "willy")]
    asked = queries_of(lambda: exits(job, actor_of(floor.olga)))
    for partner in partners:
        floor.join(partner)
    assert queries_of(lambda: exits(job, actor_of(floor.olga))) <= asked + 1
    publish_edge("start", skills=[], partner_suffices=False)
    free = make_job(floor.shop.world.line, floor.shop.world.station, number="WO-F")
    rows = JobOrder.objects.select_related("work_order", "workflow_version", "work_center__site")
    free = rows.get(pk=free.pk)
    assert queries_of(lambda: exits(free, actor_of(floor.olga))) < asked


def present(person: Person, floor: Floor) -> Person:
    since = clock.now() - timedelta(hours=1)
    Presence.objects.create(person=person, site=floor.shop.world.site, started_at=since, last_evidence_at=since)
    return person


def short() -> dict[str, str]:
    return {"reason": reason(Purpose.SHORT_COMPLETION)}


def called() -> FloorException:
    return FloorException.objects.open().get(cause_kind="missing_skill")


def ways(floor: Floor) -> list[InPlace]:
    subject = Subject(called())
    return [way for way in cures_for([subject], actor_of(floor.lena))[subject] if way.cure.code == "assign_partner"]
