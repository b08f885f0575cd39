"""Questions about processes that we did not start, and the tie that makes a child die with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def tether(death_signal: signal.Signals) -> Callable[[], None]:
    """For Popen's preexec_fn: the kernel sends the signal to the child when we die, even by kill -9 (Linux only)."""
    parent = os.getpid()

    def tie() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # we died before the tie held
                os.kill(os.getpid(), signal.SIGKILL)

    return tie


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie nobody has reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def command_line(pid: int) -> list[str]:
    """The words of its command, none where they can't be seen."""
    try:
        return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return []
    except OSError:
        return []
    shown = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.strip().split(" ")


def working_in(folder: Path) -> bool:
    """Whether any process we may look at has the folder as its working directory."""
    real = folder.resolve()
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == real:
                return True
        except OSError:
            continue
    return False


def listener(port: int) -> str:
    """`name (pid n)` of the program that listens on the port; "" where none does, vague where it is not ours to see."""
    inodes = set[str]()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in (line.split() for line in rows):
            if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{row[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            held = {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
        except OSError:
            continue
        if held & inodes:
            return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return "another program" if inodes or not Path("/proc/net/tcp").exists() else ""
