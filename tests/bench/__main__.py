"""`python -m tests.bench [NAME]`: one bench in this process, or all of them, each in a process of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys

BENCHES = (
    *(
        "blocked_page",
        "confirm",
        "erp_import",
        "escalation_load",
        "fire",
        "live_push",
        "outbox",
        "publish_live",
        "raise_to_screen",
        "rule_simulate",
        "signals",
    ),
    *("start", "workflow_check", "workflow_simulate"),
)


def main() -> int:
    names = sys.argv[1:]
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"No bench {unknown[0]!r}; there are: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    if len(names) == 1:
        importlib.import_module(f"tests.bench.{names[0]}").main()
        return 0
    commands = [[sys.executable, "-m", "tests.bench", name] for name in names or BENCHES]
    return max(subprocess.run(command, check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
