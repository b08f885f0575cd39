"""Moments as people at a site read them."""

from __future__ import annotations

from datetime import datetime, tzinfo

from django.utils.formats import date_format

from apps.core import clock


def at_site(moment: datetime, zone: tzinfo) -> str:
    """The day only where it is not today: at night everybody looks at the minutes."""
    local = moment.astimezone(zone)
    is_today = local.date() == clock.now().astimezone(zone).date()
    return date_format(local, "TIME_FORMAT" if is_today else "SHORT_DATETIME_FORMAT")
