"""Maintenance systems of the plant hear of each request for maintenance: made, somebody there, why, a part, done."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.feeds import Feed, News, declare, publish
from apps.core.commands import Context
from apps.equipment.models import MaintenanceRequest

MAINTENANCE = declare(Feed("maintenance", gettext_lazy("requests for maintenance")))
STATION_PAGE = "/station/{site}/{unit}/"


class Step(models.TextChoices):
    """What has happened to a request, as the feed calls it; and the sentence for people."""

    REQUESTED = "requested", gettext_lazy("Maintenance is asked for.")
    ARRIVED = "arrived", gettext_lazy("Somebody is there.")
    CAUSE = "cause", gettext_lazy("The cause is found.")
    WAITING_FOR_PART = "waiting_for_part", gettext_lazy("It waits for a part.")
    DONE = "done", gettext_lazy("Maintenance is done.")


def tell_of(context: Context, request_id: int, step: Step) -> None:
    """What is typed stays here: it may name somebody."""
    rows = MaintenanceRequest.objects.select_related("site", "work_unit__work_center", "cause")
    request = rows.get(pk=request_id)
    with translation.override(settings.LANGUAGE_CODE), timezone.override(request.site.zone):
        unit = request.work_unit
        news = News(
            title=_("%(unit)s: maintenance") % {"unit": unit.code},
            body=f"{step.label} {date_format(timezone.localtime(context.occurred_at), 'SHORT_DATETIME_FORMAT')}",
            url=f"{settings.BASE_URL}{STATION_PAGE.format(site=request.site.code, unit=unit.code)}",
            tag=f"maintenance_request:{request.pk}",
            data={
                "request": request.pk,
                "event": step.value,
                "at": context.occurred_at.isoformat(),
                "status": request.status,
                "site": request.site.code,
                "line": unit.work_center.code,
                "station": unit.code,
                "downtime": request.downtime_id or "",
                "cause": request.cause.code if request.cause else "",
                **_times(requested=request.requested_at, arrived=request.arrived_at, done=request.done_at),
            },
        )
    publish(context, MAINTENANCE, request.site_id, news)


def _times(**moments: datetime | None) -> dict[str, str]:
    return {f"{name}_at": moment.isoformat() if moment else "" for name, moment in moments.items()}
