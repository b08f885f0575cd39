"""Tryton's packages and an initialised database, built once per machine in the cache."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
MODULES = [
    "production_routing",
    "production_work",
    "production_work_timesheet",
    "production_split",
    "stock_lot",
    "stock_supply_production",
    "sale_supply_production",
    "purchase",
    "quality",
    "timesheet",
    "timesheet_cost",
]
ADMIN_PASSWORD = "admin-of-a-throwaway-plant"
DATABASE = "plant"


class TrytonUnavailable(Exception):
    """Tryton's packages can't be had on this machine; the sentence says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def cache_folder() -> Path:
    """Where packages and prepared databases of these pins are kept."""
    pins = hashlib.sha256(LOCK.read_bytes() + " ".join(MODULES).encode()).hexdigest()[:12]
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mfgos" / f"tryton-{pins}"


def prepare() -> Path:
    """Makes sure of the venv and the empty database; gives the cache folder. Slow only the first time."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrytonUnavailable(f"The cache folder {folder} can't be made: {error}.") from error
    with locked(folder / "building"):
        _install(folder)
        _initialise(folder)
    return folder


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lets one process in at a time."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment(config: Path) -> dict[str, str]:
    """The environment of Tryton's own processes: nothing of ours leaks into its imports."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO", "TRYTON"))}
    ours.pop("VIRTUAL_ENV", None)
    return ours | {"TRYTOND_CONFIG": str(config), "PYTHONUNBUFFERED": "1"}


def write_config(path: Path, databases: Path, port: int) -> None:
    """The server's settings; 127.0.0.1 only, no background worker, no cron, logins not throttled."""
    path.write_text(
        f"[database]\nuri = sqlite://\npath = {databases}\nlanguage = en\n"
        f"[web]\nlisten = 127.0.0.1:{port}\n"
        "[session]\nmax_age = 2592000\ntimeout = 86400\nmax_attempt = 1000\nmax_attempt_ip_network = 10000\n"
        "[bus]\nallow_subscribe = False\n[queue]\nworker = False\n"
    )


def _install(folder: Path) -> None:
    ready = folder / "installed"
    if ready.exists():
        return
    venv = folder / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(venv)], "A virtual environment for Tryton can't be made")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    run(pip, "Tryton's packages can't be installed")
    ready.touch()


def _initialise(folder: Path) -> None:
    ready = folder / "empty.sqlite"
    if ready.exists():
        return
    work = folder / "initialising"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    config = work / "trytond.conf"
    write_config(config, work, 1)
    database = work / f"{DATABASE}.sqlite"
    database.touch()  # trytond-admin refuses a missing file
    (work / "password").write_text(ADMIN_PASSWORD)
    command = [str(folder / "venv" / "bin" / "trytond-admin"), "-c", str(config), "-d", DATABASE, "-u", *MODULES]
    command += ["--activate-dependencies", "--email", "admin@example.invalid", "-p"]
    env = environment(config) | {"TRYTONPASSFILE": str(work / "password")}
    run(command, "Tryton's modules can't be set up", env)
    database.rename(ready)
    shutil.rmtree(work)


def run(command: list[str], failure: str, env: dict[str, str] | None = None) -> None:
    """Runs a step; a failure becomes one sentence with the end of its output."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrytonUnavailable(f"{failure}: {error}.") from error
    if done.returncode:
        tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
        raise TrytonUnavailable(f"{failure}: {tail or 'exit code ' + str(done.returncode)}.")
