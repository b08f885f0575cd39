"""Where a checkout's clusters lie.  Reading is pure (settings do it on import); `claim` alone creates.

`.pg/id` is a random name of this checkout, `.pg/home` the folder that was chosen for its data, once and for all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mfgos.supervisor import account as accounts
from mfgos.supervisor.errors import SupervisorError

Mode = Literal["run", "test"]

SYSTEM_STATE = Path("/var/lib/mfgos")
# A socket's path may be 103 bytes long on macOS, 107 on Linux; its name is `.s.PGSQL.5432`.
LONGEST_SOCKET_FOLDER = 85


@dataclass(frozen=True)
class Place:
    """The folders of one cluster."""

    pg_dir: Path
    home: Path
    mode: Mode

    @property
    def base(self) -> Path:
        return self.home / self.mode

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.base / "server.log"

    @property
    def unfinished(self) -> Path:
        """Marks a database whose first preparation has not come to its end: nobody has worked on it yet."""
        return self.base / "unfinished"

    @property
    def socket_dir(self) -> Path:
        """Beside the data, or, where that path is too long for a socket, in the system's folder for such things."""
        beside = self.base / "s"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET_FOLDER:
            return beside
        # Not TMPDIR: server and clients must agree although their environments differ.  The owner is checked on use.
        return Path(os.sep, "tmp", f"mfgos-{hashlib.sha256(os.fsencode(self.base)).hexdigest()[:16]}")


def pg_dir(base_dir: Path) -> Path:
    return Path(os.environ.get("MFGOS_PG_DIR") or base_dir / ".pg").absolute()


def default_mode() -> Mode:
    value = os.environ.get("MFGOS_CLUSTER") or "run"
    if value == "run":
        return "run"
    if value == "test":
        return "test"
    raise SupervisorError(f"MFGOS_CLUSTER is {value!r}: set it to run or test.")


def identity(base_dir: Path) -> str:
    """The checkout's random id, "" while there is none (or while it is not ours to read)."""
    return _read(pg_dir(base_dir) / "id")


def place(base_dir: Path, mode: Mode) -> Place:
    """Where the cluster lies, or would lie if it were made now by an ordinary user."""
    folder = pg_dir(base_dir)
    return Place(folder, folder / (_read(folder / "home") or "."), mode)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time decides about the clusters of a checkout."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise SupervisorError(f"{folder} can't be used ({error.strerror}): make it yours, or move it away.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def name(base_dir: Path) -> str:
    """Give the checkout its id on first use.  Call it locked."""
    if not identity(base_dir):
        _write(pg_dir(base_dir) / "id", secrets.token_hex(16))
    return identity(base_dir)


def claim(base_dir: Path, mode: Mode) -> tuple[Place, accounts.Account]:
    """Choose the checkout's home on first use, then make the cluster's folders.  Call it locked."""
    folder = pg_dir(base_dir)
    own = name(base_dir)
    account = accounts.choose(place(base_dir, mode).data)
    if not _read(folder / "home"):
        _write(folder / "home", _choose_home(folder, own, account))
    found = place(base_dir, mode)
    if found.home.is_relative_to(SYSTEM_STATE):
        _keep_apart(found, own)
    if account.spawn:
        found.home.chmod(0o711)
    accounts.private_folder(found.base, account)
    accounts.private_folder(found.socket_dir, account)
    if not accounts.can(account, "-w", found.base):
        raise SupervisorError(
            f"The database in {found.base} is out of reach for uid {account.uid}, which runs PostgreSQL: "
            f"open the folders above it again (chmod o+x), or start as the user it belongs to."
        )
    return found, account


def _choose_home(folder: Path, identity: str, account: accounts.Account) -> str:
    """`.` for beside the checkout, else the system's state folder: a private home stays private."""
    if not account.spawn or accounts.can(account, "-x", folder.parent):
        return "."
    # The id also feeds the local secret key, and folder names show in process lists: so a hash of it.
    home = SYSTEM_STATE / hashlib.sha256(identity.encode()).hexdigest()[:16]
    try:
        SYSTEM_STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
        home.mkdir(mode=0o711)
    except OSError as error:
        raise SupervisorError(
            f"Neither {folder} (closed to the account that runs PostgreSQL) nor {home} ({error.strerror}) can hold "
            f"the database: start as an ordinary user, or set DATABASE_URL."
        ) from error
    return str(home)


def _keep_apart(found: Place, identity: str) -> None:
    """A copied checkout brings its id along; two checkouts on one database would be a surprise."""
    owner = found.home / "checkout"
    before = _read(owner)
    if before and before != str(found.pg_dir) and _read(Path(before) / "id") == identity:
        raise SupervisorError(
            f"{found.pg_dir} was copied from {before}, whose database it would share: remove {found.pg_dir} to start "
            f"with an empty one."
        )
    if not found.home.is_dir():
        raise SupervisorError(
            f"The database of this checkout was in {found.home}, which is gone: bring it back, "
            f"or remove {found.pg_dir} to start with an empty one."
        )
    _write(owner, str(found.pg_dir))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for our eyes only."""
    part = path.with_name(f"{path.name}.new")
    part.touch(mode=0o600)
    part.write_text(text + "\n")
    part.replace(path)
