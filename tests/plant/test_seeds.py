"""What a plant starts with, and that it keeps what it made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from apps.core import rights
from apps.core.actors import Actor
from apps.plant import seeds
from apps.plant.commands import set_role_actions
from apps.plant.models import Purpose, ReasonCode, Role, RoleAction
from tests.world import run

pytestmark = pytest.mark.django_db
SHIPPED = json.loads((settings.BASE_DIR / "fixtures" / "roles.json").read_text())


def held(role: str) -> set[str]:
    return set(RoleAction.objects.filter(role__code=role).values_list("code", flat=True))


def test_roles_and_reasons_are_there_after_the_first_seed() -> None:
    lines = seeds.seed()
    assert Role.objects.count() == len(SHIPPED) == 18
    assert set(ReasonCode.objects.values_list("purpose", flat=True)) == set(Purpose.values)
    assert "role operator added" in lines
    assert held("operator") >= {"plant.view_plant"}
    assert ReasonCode.objects.get(purpose="scrap", code="tool_worn").label("de") == "Werkzeug verschlissen"
    assert ReasonCode.objects.get(purpose="scrap", code="tool_worn").parent is not None


def test_the_second_seed_adds_nothing() -> None:
    seeds.seed()
    assert [line for line in seeds.seed() if "is not there yet" not in line] == []


def test_what_the_plant_changed_stays() -> None:
    seeds.seed()
    run(set_role_actions, Actor.system("tests"), role="operator", remove=("plant.view_plant",))
    Role.objects.filter(code="operator").update(names={"en": "Machinist"})
    ReasonCode.objects.filter(code="tool_worn").update(labels={"en": "Blunt"}, active=False)
    seeds.seed()
    assert "plant.view_plant" not in held("operator")
    assert Role.objects.get(code="operator").label("en") == "Machinist"
    assert ReasonCode.objects.get(purpose="scrap", code="tool_worn").label("en") == "Blunt"


def test_actions_of_apps_to_come_are_added_once_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(rights.ACTIONS)
    monkeypatch.setattr(rights, "ACTIONS", {code: known[code] for code in known if code.startswith("plant.")})
    lines = seeds.seed()
    assert any(line.startswith("action orders.run_job is not there yet: left out of operator") for line in lines)
    assert held("operator") == {"plant.view_plant", "plant.own_duty"}
    later = rights.Action("orders.run_job", "run operations")
    monkeypatch.setattr(rights, "ACTIONS", rights.ACTIONS | {later.code: later})
    assert "role operator may orders.run_job" in seeds.seed()
    assert held("operator") == {"plant.view_plant", "plant.own_duty", "orders.run_job"}


@pytest.mark.parametrize("role", SHIPPED, ids=lambda role: role["code"])
def test_every_shipped_text_is_there_in_every_language(role: dict[str, Any]) -> None:
    assert set(role["names"]) == dict(settings.LANGUAGES).keys()


def test_every_shipped_reason_is_there_in_every_language() -> None:
    seeds.seed()
    for reason in ReasonCode.objects.all():
        reason.full_clean()
        assert set(reason.labels) == dict(settings.LANGUAGES).keys()


def test_it_holds_no_right_in_production_and_the_auditor_none_to_change() -> None:
    actions = {role["code"]: set(role["actions"]) for role in SHIPPED}
    connecting = {"erp.view", "erp.connect", "erp.manage_tokens"}
    assert all(code.startswith(("plant.", "core.")) for code in actions["it_administrator"] - connecting)
    assert all(".view" in code for code in actions["auditor"])
    assert not any("plant.manage_roles" in codes for role, codes in actions.items() if role != "it_administrator")
