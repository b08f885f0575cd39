"""What was reported of a shift stays so: a reason that is corrected later changes only what is said from then on."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from apps.core import clock
from apps.equipment.commands import classify_stop, correct_reason, split_stop
from apps.equipment.models import Downtime
from apps.plant.models import Purpose, ReasonCode
from apps.shifts.oee import oee_of
from tests.equipment.machines import at, later, make_machine, tell
from tests.orders.shop import Shop, make_shop
from tests.world import make_calendar, run

pytestmark = pytest.mark.django_db
SHIFT = 8 * 3600
NOON = SHIFT + 3600


@pytest.fixture
def shop() -> Shop:
    """A shift in which the machine stood from second 600 to 1800, and nobody has said why."""
    clock.move_to(at(0), rate=0)
    made = make_shop()
    made.world.site.timezone = "UTC"
    made.world.site.save()
    make_calendar(made.world.site, [("E", time(6), time(14), [])])
    make_machine(made.world.station, silence_seconds=None)
    tell(made.world.station, (0, "producing"), (600, "fault"), (1800, "producing"), now=SHIFT)
    later(SHIFT)
    return made


def reason(code: str) -> ReasonCode:
    return ReasonCode.objects.get(purpose=Purpose.DOWNTIME, code=code)


def explain(shop: Shop, second: float, code: str) -> None:
    """The whole stop, or another reason for it."""
    clock.move_to(at(second), rate=0)
    stop = Downtime.objects.get()
    part = stop.parts.order_by("started_at")[0]
    said = {"downtime_id": stop.pk, "version": stop.version, "part_id": part.pk, "reason_id": reason(code).pk}
    run(correct_reason if part.reason_id else classify_stop, shop.world.lena, **said)


def lost(shop: Shop, said_by: float | None = None) -> dict[str, float]:
    by = None if said_by is None else at(said_by)
    found = oee_of(shop.world.station, at(0), at(SHIFT), said_by=by)
    codes: dict[int | None, str] = {row.pk: row.code for row in ReasonCode.objects.all()}
    assert sum(loss.seconds for loss in found.losses) == found.elements.down
    return {codes.get(loss.reason_id, ""): float(loss.seconds) for loss in found.losses}


def test_a_reason_that_is_corrected_later_changes_nothing_that_was_reported(shop: Shop) -> None:
    explain(shop, SHIFT + 60, "tooling")
    explain(shop, NOON, "media")
    explain(shop, NOON + 3600, "control")
    assert lost(shop) == {"control": 1200}
    assert lost(shop, SHIFT) == {"": 1200}, "at the end of the shift nobody had said anything"
    assert lost(shop, SHIFT + 60) == {"tooling": 1200}
    assert lost(shop, NOON - 1) == {"tooling": 1200}
    assert lost(shop, NOON) == {"media": 1200}
    assert lost(shop, NOON + 7200) == lost(shop)


def test_a_stop_that_is_split_later_was_one(shop: Shop) -> None:
    explain(shop, SHIFT + 60, "tooling")
    clock.move_to(at(NOON), rate=0)
    stop = Downtime.objects.get()
    run(
        split_stop,
        shop.world.lena,
        downtime_id=stop.pk,
        version=stop.version,
        part_id=stop.parts.get().pk,
        at=at(900),
        reason_id=reason("media").pk,
    )
    assert lost(shop) == {"media": 900, "tooling": 300}
    assert lost(shop, NOON - 1) == {"tooling": 1200}
    explain(shop, NOON + 60, "control")
    assert lost(shop) == {"media": 900, "control": 300}
    assert lost(shop, NOON) == {"media": 900, "tooling": 300}
    assert lost(shop, NOON - 1) == {"tooling": 1200}


def test_the_times_of_the_report_are_those_of_the_plant(shop: Shop) -> None:
    explain(shop, SHIFT + 60, "tooling")
    moment: datetime = at(SHIFT + 60)
    found = oee_of(shop.world.station, at(0), at(SHIFT), said_by=moment - timedelta(microseconds=1))
    assert [loss.reason_id for loss in found.losses] == [None]
