"""A worker as a process of its own: `python -m tests.erp_sync.worker_process <database> <stub file> <deduping>`."""

from __future__ import annotations

import sys
import time

import django
from django.conf import settings

import tests.environment  # noqa: F401  # sets the environment

if __name__ == "__main__":
    name, stub_file, deduping = sys.argv[1:4]
    database = settings.DATABASES["default"]
    database["NAME"] = name
    database["OPTIONS"]["assume_role"] = "mfgos_app"
    django.setup()

    from apps.erp_sync import delivery, registry
    from tests.erp_sync.stub import StubErp

    registry.CONNECTORS["stub"] = lambda link, password: StubErp(stub_file, deduping=deduping == "1")
    while True:
        if not delivery.deliver_next():
            time.sleep(0.02)
