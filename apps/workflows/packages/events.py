from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event


class PackageExported(Event, subject="package", label=_("Package exported")):
    """Its subject is the checksum of the package. `objects` and `drafts` are named "workflow:job_order"."""

    objects: list[str]


class PackageImported(Event, subject="package", label=_("Package imported")):
    drafts: dict[str, int]
    created: list[str]
