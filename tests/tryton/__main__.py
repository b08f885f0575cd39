"""By hand: python -m tests.tryton up|down --data DIR [--port N]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.tryton import Tryton, TrytonUnavailable


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tryton", description=__doc__)
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("--data", required=True, type=Path, help="folder for database, log and process id")
    parser.add_argument("--port", type=int, default=8069)
    options = parser.parse_args()
    server = Tryton(options.data)
    if options.verb == "down":
        server.stop()
        return
    if server.pid is not None:
        sys.exit(f"Tryton already runs over {server.data} as process {server.pid}.")
    try:
        server.start(options.port)
    except TrytonUnavailable as error:
        sys.exit(error.sentence)
    print(f"user {server.user} password {server.password}; user admin password {server.admin_password}")


if __name__ == "__main__":
    main()
