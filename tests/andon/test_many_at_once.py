"""Many exceptions that are raised at once: what each of them costs besides."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.andon.floor import SYSTEM, Floor, make_floor
from tests.andon.test_timers_killed import raise_many
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
# Recurrence is a rule, which counts them: four for its savepoint and limits, one for what is around, four to count.
FOR_EACH = 9


def statements(floor: Floor, first: int, count: int) -> int:
    with CaptureQueriesContext(connection) as seen:
        run(raise_many, SYSTEM, site_id=floor.world.site.pk, line_id=floor.world.line.pk, first=first, count=count)
    return len(seen)


def test_one_more_costs_no_more_than_to_count_it(settings: Any) -> None:
    floor = make_floor()
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    statements(floor, 0, 1)  # rules and clock are known from here on
    assert statements(floor, 200, 60) - statements(floor, 100, 10) <= 50 * FOR_EACH
