"""The check looks at the shifts of the coming week: nobody to release what is held, one who signs, nobody who can."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.plant.models import DutyRosterEntry, Person, Role, Site
from apps.workflows.check import Fault, Problem, check
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import give_role, make_calendar, make_line, make_person

pytestmark = pytest.mark.django_db

# Monday, midnight in Berlin.
MONDAY = datetime(2026, 11, 22, 23, tzinfo=UTC)
SHIFTS = {"E": (6, 14), "L": (14, 22), "N": (22, 30)}


@pytest.fixture
def site() -> Site:
    clock.move_to(MONDAY, rate=0)
    shop = make_shop()
    found = Site.objects.get(pk=shop.site_id)
    make_calendar(found)
    return found


def duty(person: Person, role: str, site: Site, *shifts: str, line: Any = None, days: int = 8) -> None:
    """The shifts of each day, from the day before on."""
    for day in range(-1, days):
        for shift in shifts:
            start, end = (MONDAY + timedelta(days=day, hours=hours) for hours in SHIFTS[shift])
            DutyRosterEntry.objects.create(
                role=Role.objects.get(code=role),
                person=person,
                site=site,
                work_center=line,
                starts_at=start,
                ends_at=end,
            )


def lead(name: str, site: Site, *shifts: str, **more: Any) -> Person:
    person = make_person(name)
    give_role(person, "line_lead", site)
    duty(person, "line_lead", site, *shifts, **more)
    return person


def found(code: Fault, **edges: Any) -> list[Problem]:
    return [problem for problem in check(thing_workflow(**edges), THING) if problem.code == code]


def signed(signers: int = 1, **more: Any) -> dict[str, Any]:
    return {"signature": {"meaning": {"en": "Checked", "de": "Geprüft"}, "signers": signers, **more}}


class TestWhatIsHeld:
    def test_is_released_on_every_shift(self, site):
        lead("anna", site, "E", "L", "N")
        assert [str(problem) for problem in check(thing_workflow(), THING)] == []

    def test_without_anybody_at_night_may_not_be_published(self, site):
        lead("anna", site, "E", "L")
        [problem] = found(Fault.NO_OWNER)
        assert problem.is_error
        assert problem.show == "state/held"
        assert problem.sentence.startswith("Thing in “Held” is held, but no role owns it between")
        assert "between 22:00 and 06:00 on Shift N at S1" in problem.sentence

    def test_nobody_for_part_of_a_shift_is_said_with_its_times(self, site):
        anna = lead("anna", site, "E", "L", "N")
        DutyRosterEntry.objects.filter(person=anna, starts_at=MONDAY + timedelta(hours=30)).update(
            starts_at=MONDAY + timedelta(hours=31, minutes=30)
        )
        [problem] = found(Fault.NO_OWNER)
        assert "between 06:00 and 07:30" in problem.sentence

    def test_on_one_line_only_names_the_line(self, site):
        one = make_line(site.areas.create(code="A9", name="Area"), "L1")
        make_line(one.area, "L2")
        lead("anna", site, "E", "L")
        lead("nina", site, "N", line=one)
        [problem] = found(Fault.NO_OWNER)
        assert "lines L2" in problem.sentence

    def test_who_has_the_duty_and_not_the_role_owns_nothing(self, site):
        anna = lead("anna", site, "E", "L", "N")
        anna.role_assignments.update(valid_until=MONDAY + timedelta(days=2))
        assert found(Fault.NO_OWNER)

    def test_further_than_the_roster_is_planned_nothing_is_missing(self, site):
        lead("anna", site, "E", "L", "N", days=2)
        assert found(Fault.NO_OWNER) == []

    def test_by_a_role_that_is_never_rostered_is_a_warning(self, site):
        olga = Person.objects.get(username="olga")
        duty(olga, "operator", site, "E")
        [problem] = found(Fault.NOT_ROSTERED)
        assert not problem.is_error
        assert "nobody with a role for its exits is on the roster of S1" in problem.sentence

    def test_without_any_roster_there_is_one_warning(self, site):
        [problem] = check(thing_workflow(), THING)
        assert (problem.code, problem.severity) == (Fault.NO_ROSTER, "warning")

    def test_elsewhere_than_the_workflow_is_for_does_not_matter(self, site):
        Site.objects.create(code="S9", name="Other")
        lead("anna", site, "E", "L")

        def elsewhere(content):
            content["applies_to"] = [{"site": "S9"}]

        problems = check(thing_workflow(elsewhere), THING)
        assert {problem.code for problem in problems} == {Fault.NO_ROSTER, Fault.CLAIMED}, "it was the only one for all"


class TestWhatIsSigned:
    def test_with_one_who_can_on_a_shift_is_a_warning_with_the_name(self, site):
        lead("anna", site, "E", "L", "N")
        lead("nadia", site, "E", "N")
        problems = found(Fault.ONE_SIGNER, release=signed())
        assert [problem.sentence for problem in problems] == ["On Shift L at S1 only Anna can give signature 1."]
        assert {problem.show for problem in problems} == {"edge/release/signature"}

    def test_by_two_needs_two_on_the_shift(self, site):
        lead("anna", site, "E", "L", "N")
        lead("nadia", site, "E", "N")
        [problem] = found(Fault.NO_OWNER, release=signed(2))
        assert "14:00 and 22:00" in problem.sentence
        [warning] = found(Fault.NO_SIGNER, release=signed(2))
        assert warning.sentence == "On Shift L at S1 nobody can give signature 2: only Anna may sign."

    def test_by_somebody_else_than_who_held_it_needs_one_more(self, site):
        lead("anna", site, "E", "L", "N")
        lead("nadia", site, "E", "L", "N")
        assert found(Fault.ONE_SIGNER, release=signed()) == []
        shifts = [problem.sentence for problem in found(Fault.ONE_SIGNER, release=signed(not_same_as=["hold"]))]
        assert len(shifts) == 3

    def test_by_more_than_there_are_is_an_error(self, site):
        lead("anna", site, "E")
        assert found(Fault.TOO_FEW_SIGNERS, release=signed(2)) == []
        [problem] = found(Fault.TOO_FEW_SIGNERS, release=signed(3))
        assert problem.is_error
        assert problem.sentence == "3 people have to sign, and only 2 may: give its roles to more of them."

    def test_by_nobody_but_who_must_not_is_an_error(self, site):
        alone = {"roles": ["line_lead"]}
        assert found(Fault.SIGNATURE_IMPOSSIBLE, release=signed(not_same_as=["pause"])) == []
        [problem] = found(
            Fault.SIGNATURE_IMPOSSIBLE, start=alone, pause=alone, hold=alone, release=signed(not_same_as=["hold"])
        )
        assert problem.is_error

    def test_from_a_state_with_no_other_way_needs_somebody_on_every_shift(self, site):
        lead("anna", site, "E", "L")
        [problem] = found(
            Fault.NO_OWNER,
            resume={"roles": ["line_lead"], **signed()},
            hold={"sources": ["running"]},
            release={"roles": ["operator"]},
        )
        assert problem.show == "state/paused"
        assert "waits for a signature, but nobody can give it" in problem.sentence


def test_the_roster_costs_few_queries_however_many_sites_and_states(site):
    lead("anna", site, "E", "L", "N")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            check(thing_workflow(), THING)
        return len([query for query in queries if "core_sharedclock" not in query["sql"]])

    few = asked()
    for number in range(4):
        other = Site.objects.create(code=f"X{number}", name="X")
        make_calendar(other, [("D", time(8), time(16), [])])
        lead(f"p{number}", other, "E")
    assert asked() == few <= 18


def test_without_holds_and_signatures_the_roster_is_not_read(site):
    def without_holds(content):
        content["states"] = [state for state in content["states"] if state["code"] != "held"]
        content["edges"] = [edge for edge in content["edges"] if edge["code"] not in {"hold", "release"}]

    with CaptureQueriesContext(connection) as queries:
        check(thing_workflow(without_holds), THING)
    assert not any("dutyrosterentry" in query["sql"] for query in queries)
