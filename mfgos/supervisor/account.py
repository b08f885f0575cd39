"""Who runs PostgreSQL: ourselves, or, as it refuses root, an unprivileged account that the system has anyway."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mfgos.supervisor.errors import SupervisorError

# initdb wants an account with a passwd entry; both of these exist on the usual Linux systems.
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account that the server and its tools run as."""

    uid: int
    gid: int

    @property
    def spawn(self) -> dict[str, Any]:
        """Arguments of Popen; none where we already are this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def choose(data: Path) -> Account:
    """The owner of an existing data folder, else ourselves, else (as root) an unprivileged account."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise SupervisorError(
        "PostgreSQL can't run as root and this system has neither an account postgres nor nobody: "
        "add one of them, start as an ordinary user, or set DATABASE_URL."
    )


def environment() -> dict[str, str]:
    """Ours without PGHOST, PGDATA and the like, which would lead to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def run(
    command: Sequence[str | Path], account: Account, *, output: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.CompletedProcess[bytes]:
    """Run a tool of PostgreSQL as the account.  No pipe by default: a server would inherit it and keep it open."""
    return subprocess.run(  # noqa: S603 - the commands are ours
        [str(part) for part in command],
        env=environment() | {"LC_ALL": "C"},
        cwd=os.sep,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not subprocess.DEVNULL else output,
        start_new_session=True,
        check=False,
        **account.spawn,
    )


def can(account: Account, test: str, path: Path) -> bool:
    """Whether the account passes `test -x` or `test -w` for the path."""
    if not account.spawn:
        return os.access(path, os.X_OK if test == "-x" else os.W_OK)
    return run(["/usr/bin/test", test, path], account).returncode == 0


def private_folder(path: Path, account: Account) -> None:
    """Make the folder with mode 0700 for the account; refuse one that belongs to somebody else."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.lstat().st_uid
    if owner == 0 and account.uid != 0 and os.geteuid() == 0:
        os.chown(path, account.uid, account.gid)
    elif owner != account.uid:
        raise SupervisorError(
            f"{path} belongs to uid {owner}, not to uid {account.uid} that would run PostgreSQL: "
            f"start as that user, or move the folder away."
        )
    path.chmod(0o700)
