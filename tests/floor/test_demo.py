"""The demo plant: one order runs by standard work, the others are counted on the keypad."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from apps.andon.models import SiteRules
from apps.core import clock
from apps.floor.demo import load
from apps.orders.models import Blocker, BlockerKind, WorkDirective
from apps.plant.duty import on_duty
from apps.plant.models import WorkCenter
from apps.shifts.models import ShiftTarget
from tests.seeded import seed_plant

pytestmark = pytest.mark.django_db
# Who owns an exception of some kind, or is told of it.
CALLED_FOR = [
    *("line_lead", "shift_supervisor", "plant_manager", "maintenance_technician", "maintenance_lead", "warehouse"),
    *("warehouse_lead", "inspector", "quality_engineer", "quality_lead", "planner"),
    *("process_engineer", "purchasing", "customer_service", "it_administrator"),
]


def test_one_order_runs_by_steps() -> None:
    seed_plant()
    assert "5 orders" in load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json")
    directive = WorkDirective.objects.get()
    assert directive.job_order.work_order.number == "WO-10482"
    kinds = list(directive.steps.order_by("position").values_list("kind", "frequency"))
    assert kinds == [
        ("read", "once"),
        ("scan", "per_set_up"),
        ("measure", "per_piece"),
        ("confirm", "per_piece"),
        ("confirm", "every_n"),
    ]


def test_one_order_is_short_of_seals_and_the_line_has_a_target() -> None:
    seed_plant()
    load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json")
    blocker = Blocker.objects.open().get(kind=BlockerKind.MATERIAL)
    assert (blocker.reach, blocker.sentence) == ("Can make 20 of 24", "4 pcs of MS-40 are short.")
    assert ShiftTarget.objects.get().quantity == 40


def test_every_role_that_is_called_for_has_somebody_at_any_hour_of_the_week() -> None:
    seed_plant()
    load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json")
    line = WorkCenter.objects.get(code="L3")
    for hours in (*range(0, 7 * 24, 5), 7 * 24):
        at = clock.now() + timedelta(hours=hours)
        for role in CALLED_FOR:
            (duty, *_) = on_duty(role, line.scope, at)
            assert duty.phone, role


def test_what_nobody_on_duty_can_own_falls_to_a_person() -> None:
    seed_plant()
    load(settings.BASE_DIR / "fixtures" / "demo" / "plant.json")
    assert SiteRules.objects.get().default_owner.username == "paula"
