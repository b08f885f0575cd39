"""Preparing is left out only when it would change nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from mfgos.supervisor import cluster, stamp
from tests.supervisor.product import ROOT


def test_inputs_change_with_any_file_that_preparing_reads(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("django==5.2\n")
    seen = {stamp.inputs(tmp_path)}
    for name in ("apps/core/migrations/0001_initial.py", "static/site.css", "fixtures/demo/plant.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("one")
        seen.add(stamp.inputs(tmp_path))
        (tmp_path / name).write_text("two")
        seen.add(stamp.inputs(tmp_path))
    assert len(seen) == 7
    (tmp_path / "apps" / "__pycache__").mkdir()
    (tmp_path / "apps" / "__pycache__" / "x.pyc").write_text("no matter")
    assert stamp.inputs(tmp_path) in seen


class TestDatabase:
    """A database of the same name at the same address is not the same database."""

    @pytest.fixture
    def admin(self):
        with psycopg.connect(address("postgres"), autocommit=True) as connection:
            yield connection
            connection.execute("DROP DATABASE IF EXISTS mfgos_stamp")

    def test_is_told_from_its_successor_and_from_an_older_dump(self, admin: psycopg.Connection) -> None:
        marks = []
        for rows in (2, 2, 1):
            admin.execute("DROP DATABASE IF EXISTS mfgos_stamp")
            admin.execute("CREATE DATABASE mfgos_stamp")
            assert stamp.database(address("mfgos_stamp")) == ""
            with psycopg.connect(address("mfgos_stamp")) as connection:
                connection.execute("CREATE TABLE django_migrations (id int)")
                connection.execute("INSERT INTO django_migrations SELECT generate_series(1, %s)", [rows])
            marks.append(stamp.database(address("mfgos_stamp")))
            assert marks[-1] == stamp.database(address("mfgos_stamp"))
        with psycopg.connect(address("mfgos_stamp")) as connection:
            connection.execute("INSERT INTO django_migrations VALUES (2)")
        marks.append(stamp.database(address("mfgos_stamp")))
        assert len(set(marks)) == 4

    def test_out_of_reach_has_no_mark(self) -> None:
        assert stamp.database(address("mfgos_nowhere")) == ""


def address(database: str) -> str:
    return cluster.url(ROOT, user="postgres", mode="test", database=database)
