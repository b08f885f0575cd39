"""What an engineer does at the desk: problems that go on, playbooks to be written and published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from apps.andon.models import ExceptionType, Playbook, PlaybookStep, PlaybookVersion, Problem
from apps.plant.models import Person
from tests.andon.floor import Floor, later, make_floor
from tests.world import give_role, make_person

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
        page = {"steps-TOTAL_FORMS": 1, "steps-INITIAL_FORMS": 0, **form}
        pia.post(reverse("admin:andon_playbookversion_change", args=[draft.pk]), page)
        assert PlaybookStep.objects.get().label("en") == "Swap it"
        assert "You wrote this version." in act(pia, "playbookversion", "publish", draft.pk, reason="New.")
        act(desk(petr), "playbookversion", "publish", draft.pk, reason="New.")
        draft.refresh_from_db()
        assert (draft.status, draft.approver_id) == ("published", petr.pk)

    @pytest.mark.django_db(transaction=True)
    def test_are_saved_whole_or_not_at_all(self, floor: Floor) -> None:
        """Somebody else has added a step meanwhile: the database refuses, and nobody has worked on the version."""
        playbook = Playbook.objects.create(
            code="stops", name="Stops", type=ExceptionType.objects.get(code="downtime"), site=floor.world.site
        )
        draft = PlaybookVersion.objects.create(playbook=playbook, number=1)
        steps = [
            PlaybookStep.objects.create(version=draft, position=n, code=f"step-{n}", labels={"en": f"Step {n}"})
            for n in (1, 2, 3)
        ][:2]
        page = {"steps-TOTAL_FORMS": 2, "steps-INITIAL_FORMS": 2}
        for n, step in enumerate(steps):
            given = {"id": step.pk, "version": draft.pk, "position": n + 2, "code": step.code, "inputs": "{}"}
            given |= {"labels": json.dumps(step.labels), "cure": ""}
            page |= {f"steps-{n}-{name}": value for name, value in given.items()}
        with pytest.raises(IntegrityError):
            desk(floor.world.pia).post(reverse("admin:andon_playbookversion_change", args=[draft.pk]), page)
        draft.refresh_from_db()
        assert draft.editor_ids == []
        assert list(draft.steps.values_list("code", flat=True)) == ["step-1", "step-2", "step-3"]

    def test_of_other_places_are_not_set_up(self, floor: Floor) -> None:
        pia, kind = desk(floor.world.pia), ExceptionType.objects.get(code="downtime")
        given = {"code": "stops", "name": "Stops", "type": kind.pk, "site": floor.world.other_site.pk}
        pia.post(reverse("admin:andon_playbook_add"), given)
        assert not Playbook.objects.exists()
