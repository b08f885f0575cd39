"""Wrong settings stop the start with one sentence; a database that protects too little is named."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from apps.core.checks import durability, two_roles

WRONG = [
    ({"DEBUG": "yes"}, "mfgos.E001", "set DEBUG to 0 or 1"),
    ({"MFGOS_CLOCK": "sundial"}, "mfgos.E003", "real, shared"),
    ({"DATABASE_URL": "mysql://root@localhost/x", "SECRET_KEY": "x" * 50}, "mfgos.E005", "postgresql://user"),
    ({"MFGOS_DEMO": "0", "SECRET_KEY": ""}, "mfgos.E004", "SECRET_KEY"),
]


@pytest.mark.parametrize(("values", "identity", "hint"), WRONG)
@pytest.mark.parametrize("program", [["manage.py", "check"], ["-m", "daphne", "-p", "0", "mfgos.asgi:application"]])
def test_a_wrong_value_is_refused_at_the_start_with_an_id_and_a_hint(
    values: dict[str, str], identity: str, hint: str, program: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, *program],
        env={**os.environ, **values},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    said = done.stderr.strip()
    assert said.startswith(identity), said
    assert hint in said
    assert "Traceback" not in said


@pytest.mark.django_db
class TestTheDatabase:
    def test_with_two_roles_lacks_nothing(self) -> None:
        assert two_roles() == []

    def test_with_one_role_for_all_works_and_check_deploy_says_what_it_lacks(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        (warning,) = two_roles()
        assert warning.id == "mfgos.W011"
        assert "core_ledgerevent" in warning.msg

    def test_that_could_lose_acknowledged_work_is_refused(self, settings: object) -> None:
        settings.VOLATILE = False
        ids = {message.id for message in durability(["default"])}
        assert ids == {"mfgos.E010"}, "the tests' own server runs without fsync, so it must be named"
