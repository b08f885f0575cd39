"""Who was told of what is kept for as long as the site says after it was over, and then goes in small bites."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.andon.models import DeliveryAttempt, NoticeState, Notification, SiteRules
from apps.core.pruning import BITE

# Of the longest months: what is to be kept is never gone too early.
MONTH = timedelta(days=31)


def prune_log(now: datetime) -> int:
    """Removes some notifications with their attempts, the oldest first; how many. To be called until it is 0."""
    return sum(_of_site(rules, now) for rules in SiteRules.objects.order_by("pk"))


def _of_site(rules: SiteRules, now: datetime) -> int:
    until = now - rules.log_months * MONTH
    # News and tests belong to no exception.
    is_over = Q(exception__closed_at__lt=until) | Q(exception=None) & ~Q(state=NoticeState.QUEUED)
    # Nobody is told of anything before it is raised or after it has closed: by its own age the index finds it.
    old = Notification.objects.filter(is_over, site=rules.site_id, created_at__lt=until).order_by("created_at", "pk")
    ids = list(old.values_list("pk", flat=True)[:BITE])
    if not ids:
        return 0
    with transaction.atomic():
        DeliveryAttempt.objects.filter(notification__in=ids).delete()
        Notification.objects.filter(pk__in=ids).delete()
    return len(ids)
