from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection

from apps.core import clock

NIGHT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.django_db
class TestTheSharedClock:
    def test_is_the_machines_until_somebody_moves_it(self) -> None:
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)

    def test_stands_where_it_was_moved_to(self) -> None:
        clock.move_to(NIGHT, rate=0)
        assert clock.now() == NIGHT
        assert clock.now() == NIGHT

    def test_runs_at_sixty_times_for_a_demo(self) -> None:
        clock.move_to(NIGHT, rate=60)
        real = clock._cache.setting.real_anchor
        assert clock._cache.setting.at(real + timedelta(seconds=10)) == NIGHT + timedelta(minutes=10)

    def test_can_not_be_moved_where_it_is_the_machines(self, settings: object) -> None:
        settings.CLOCK = "real"
        with pytest.raises(RuntimeError, match="MFGOS_CLOCK=shared"):
            clock.move_to(NIGHT)


@pytest.mark.django_db(transaction=True)
def test_another_process_sees_the_moved_clock() -> None:
    clock.move_to(NIGHT, rate=Decimal(0))
    code = (
        "import django, os; django.setup(); from django.conf import settings; from apps.core import clock; "
        f"settings.DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r}; print(clock.now().isoformat())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=settings.BASE_DIR, check=True
    )
    assert done.stdout.strip() == NIGHT.isoformat()
