"""Housekeeping of the house's own tables."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from apps.core.models import CommandReceipt
from apps.core.pruning import prune
from apps.core.worker import task

# Longer than any client keeps an unsent entry; a replay after that is a new entry.
RECEIPT_DAYS = 90


@task("core.prune_receipts", every_seconds=600)
def prune_receipts() -> int:
    return prune(CommandReceipt.objects.filter(recorded_at__lt=Now() - timedelta(days=RECEIPT_DAYS)))


@task("core.clear_sessions", every_seconds=3600)
def clear_sessions() -> int:
    Session.objects.filter(expire_date__lt=Now()).delete()
    return 0
