"""The tests' environment: loaded by pytest (`-p tests.environment`) before Django's settings, which read it on import.

Also a command, `python -m tests.environment <command>`, for checks that must not touch the database behind `make up`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mfgos.supervisor import cluster

BASE_DIR = Path(__file__).resolve().parent.parent
# What the developer's shell says must not decide how a test ends.
FOREIGN = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "ALLOWED_HOSTS", "DEBUG", "LOG_LEVEL"),
    *("HOST", "PORT", "TLS_CERT", "TLS_KEY", "MFGOS_HTTPS", "MFGOS_DB_POOL", "MFGOS_WEB_PROCESSES"),
)
OURS = {
    "DJANGO_SETTINGS_MODULE": "mfgos.settings",
    "MFGOS_CLUSTER": "test",
    "MFGOS_DB_ROLE": "owner",
    "MFGOS_CLOCK": "shared",
    "MFGOS_DEMO": "1",
    "MFGOS_VOLATILE": "1",
    "MFGOS_TEST_APPS": "tests.workflows.testapp",
    "SECRET_KEY": "only-for-tests-and-long-enough-for-the-checks-0123456789",
}


def apply() -> None:
    """Set the environment, and have the test cluster up: where its socket lies is decided at its first start."""
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(OURS)
    if url := os.environ.get("MFGOS_TEST_DATABASE_URL"):
        os.environ.update(DATABASE_URL=url, DATABASE_OWNER_URL=url)
    elif "PYTEST_XDIST_WORKER" not in os.environ:
        cluster.ensure(BASE_DIR, "test")


def assert_test_server(connection: Any) -> None:
    """Fail unless this Django connection leads to the server whose data folder is the test cluster's."""
    if os.environ.get("MFGOS_TEST_DATABASE_URL"):
        return
    ask = "SELECT system_identifier FROM pg_control_system()"
    with psycopg.connect(cluster.url(BASE_DIR, user="postgres", mode="test", database="postgres")) as superuser:
        folder = superuser.execute("SHOW data_directory").fetchone()
        expected = superuser.execute(ask).fetchone()
    assert folder == (str(cluster.place(BASE_DIR, "test").data),)
    with connection.cursor() as cursor:
        cursor.execute(ask)
        assert cursor.fetchone() == expected, "the tests would run on another database server than their own"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (.ci/run), a skipped test fails the run."""
    if skipped(session.config) and os.environ.get("MFGOS_FORBID_SKIPS") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    terminalreporter.write_line(f"skipped: {skipped(config)}")


def skipped(config: pytest.Config) -> int:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


apply()
if __name__ == "__main__":
    os.execvp(sys.argv[1], sys.argv[1:])
