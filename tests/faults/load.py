"""One operator who books without a pause: `python -m tests.faults.load JOB SECONDS FILE`, on DATABASE_URL.

Each act has one id from the first try to the answer; FILE gets the id only after the command has answered.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import django
from django.db import DatabaseError, connection

django.setup()

from apps.core.actors import Actor  # noqa: E402
from apps.orders.commands import confirm_quantity  # noqa: E402

OPERATOR = Actor.system("load")


def main(job_order_id: int, seconds: float, file: Path) -> None:
    end = time.monotonic() + seconds
    with file.open("a", buffering=1) as acknowledged:
        while time.monotonic() < end:
            command_id = uuid4()
            while True:
                try:
                    confirm_quantity(actor=OPERATOR, command_id=command_id, job_order_id=job_order_id, good=Decimal(1))
                except DatabaseError:
                    connection.close()
                    time.sleep(0.05)
                else:
                    break
            acknowledged.write(f"{command_id}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
