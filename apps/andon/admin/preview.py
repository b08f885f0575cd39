"""The page that asks of a policy: raised there at that time, who is told when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.timezone import localtime

from apps.andon.actions import CONFIGURE
from apps.andon.models import ExceptionType, PolicyVersion
from apps.andon.owners import Place
from apps.andon.preview import policy_preview
from apps.core import clock
from apps.core.actors import Actor
from apps.plant.models import WorkCenter


def preview_context(version: PolicyVersion, asked: QueryDict, actor: Actor) -> dict[str, Any]:
    """What the template shows; without a question it is asked for the first type and line, now."""
    kinds = list(ExceptionType.objects.filter(policy=version.policy_id))
    lines = (
        WorkCenter.objects.visible_to(actor, CONFIGURE).select_related("site", "area").order_by("site__code", "code")
    )
    kind, line = _chosen(kinds, asked.get("type")), _chosen(list(lines), asked.get("line"))
    at = _at(asked.get("at", ""), line) if line else None
    told = policy_preview(kind, Place(line.site, line.area, line), at, version) if kind and line and at else []
    return {"version": version, "kinds": kinds, "lines": lines, "kind": kind, "line": line, "at": at, "told": told}


def _chosen(rows: list[Any], key: str | None) -> Any:
    return next((row for row in rows if str(row.pk) == key), rows[0] if rows else None)


def _at(text: str, line: WorkCenter) -> datetime:
    """As typed, at the line's own clock; now where nothing can be read."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=line.site.zone)
    except ValueError:
        return localtime(clock.now(), line.site.zone).replace(second=0, microsecond=0)
