"""What an engineer does at the desk: problems that go on, playbooks to be written and published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.andon.commands import draft_playbook, save_playbook_draft
from apps.andon.models import ExceptionType, Playbook, PlaybookStep, PlaybookVersion, Problem
from apps.plant.models import Person
from tests.andon.floor import Floor, later, make_floor
from tests.world import give_role, make_person, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def desk(person: Person) -> Client:
    Person.objects.filter(pk=person.pk).update(is_staff=True)
    client = Client()
    client.force_login(person)
    return client


def act(client: Client, model: str, action: str, pk: int, **more: Any) -> str:
    where = reverse(f"admin:andon_{model}_changelist")
    return client.post(where, {"action": action, "_selected_action": pk, **more}, follow=True).content.decode()


class TestProblems:
    @pytest.fixture
    def problem(self, floor: Floor) -> Problem:
        for _ in range(3):
            floor.stop()
            later(minutes=20)
            floor.end()
            later(minutes=60)
        return Problem.objects.get()

    def test_shows_its_cases_and_the_minutes_lost(self, floor: Floor, problem: Problem) -> None:
        client = desk(floor.world.pia)
        shown = client.get(reverse("admin:andon_problem_changelist")).content.decode()
        assert '<td class="field-minutes_lost' in shown or ">60<" in shown
        page = client.get(reverse("admin:andon_problem_change", args=[problem.pk])).content.decode()
        assert page.count("L3: ") >= 3

    def test_is_noted_about_and_given_to_another(self, floor: Floor, problem: Problem) -> None:
        given = {
            "owner": floor.marta.pk,
            "due_at_0": "2030-01-01",
            "due_at_1": "12:00:00",
            "note": "The belt slips.",
            "cases-TOTAL_FORMS": 0,
            "cases-INITIAL_FORMS": 0,
        }
        desk(floor.world.pia).post(reverse("admin:andon_problem_change", args=[problem.pk]), given)
        problem.refresh_from_db()
        assert (problem.owner, problem.note, problem.due_at.year) == (floor.marta, "The belt slips.", 2030)


class TestPlaybooks:
    def test_are_written_by_one_and_published_by_another(self, floor: Floor) -> None:
        petr = make_person("petr", site=floor.world.site)
        give_role(petr, "process_engineer", floor.world.site)
        pia, kind = desk(floor.world.pia), ExceptionType.objects.get(code="downtime")
        pia.post(
            reverse("admin:andon_playbook_add"),
            {"code": "stops", "name": "Stops", "type": kind.pk, "site": floor.world.site.pk},
        )
        playbook = Playbook.objects.get()
        act(pia, "playbook", "draft", playbook.pk)
        draft = PlaybookVersion.objects.get()
        step = {"position": 1, "code": "swap", "labels": json.dumps({"en": "Swap it"}), "cure": "", "inputs": "{}"}
        form = {f"steps-0-{name}": value for name, value in step.items()}
        page = {"steps-TOTAL_FORMS": 1, "steps-INITIAL_FORMS": 0, "based_on": draft.checksum, **form}
        pia.post(reverse("admin:andon_playbookversion_change", args=[draft.pk]), page)
        assert PlaybookStep.objects.get().label("en") == "Swap it"
        act(pia, "playbookversion", "submit", draft.pk)
        assert "Who has written it" in act(pia, "playbookversion", "publish", draft.pk, reason="New.")
        act(desk(petr), "playbookversion", "publish", draft.pk, reason="New.")
        draft.refresh_from_db()
        assert (draft.status, draft.approver_id) == ("published", petr.pk)

    def test_that_somebody_else_has_saved_meanwhile_are_not_written_over(self, floor: Floor) -> None:
        playbook = Playbook.objects.create(
            code="stops", name="Stops", type=ExceptionType.objects.get(code="downtime"), site=floor.world.site
        )
        draft = PlaybookVersion.objects.get(pk=run(draft_playbook, floor.world.pia, playbook_id=playbook.pk))
        seen = draft.checksum
        petr = make_person("petr", site=floor.world.site)
        give_role(petr, "process_engineer", floor.world.site)
        swap = {"position": 1, "code": "swap", "labels": {"en": "Swap it"}}
        run(save_playbook_draft, petr, version_id=draft.pk, steps=[swap])
        given = {"position": 1, "code": "kick", "inputs": "{}", "labels": json.dumps({"en": "Kick it"}), "cure": ""}
        page = {"steps-TOTAL_FORMS": 1, "steps-INITIAL_FORMS": 0, "based_on": seen}
        page |= {f"steps-0-{name}": value for name, value in given.items()}
        answer = desk(floor.world.pia).post(reverse("admin:andon_playbookversion_change", args=[draft.pk]), page)
        assert "Somebody else has saved this draft meanwhile." in answer.content.decode()
        assert "Kick it" in answer.content.decode(), "what was typed is still there"
        assert list(draft.steps.values_list("code", flat=True)) == ["swap"]

    def test_of_other_places_are_not_set_up(self, floor: Floor) -> None:
        pia, kind = desk(floor.world.pia), ExceptionType.objects.get(code="downtime")
        given = {"code": "stops", "name": "Stops", "type": kind.pk, "site": floor.world.other_site.pk}
        pia.post(reverse("admin:andon_playbook_add"), given)
        assert not Playbook.objects.exists()
