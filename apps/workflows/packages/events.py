from __future__ import annotations

from apps.core.events import Event


class PackageExported(Event, subject="package"):
    """Its subject is the checksum of the package. `objects` and `drafts` are named "workflow:job_order"."""

    objects: list[str]


class PackageImported(Event, subject="package"):
    drafts: dict[str, int]
    created: list[str]
