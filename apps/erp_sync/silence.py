"""An ERP that can't be read: since when, and whom it calls. Whoever reads it says here how that went.

Asks the database and no more while all is as it was: a command is issued when somebody is to be called, or no more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import uuid4

from django.db.models.functions import Now

from apps.andon.models import FloorException
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.erp_sync.causes.silence import SILENT
from apps.erp_sync.commands.watching import call_for_silence, end_silence
from apps.erp_sync.models import ErpLink, Silence
from apps.erp_sync.policy import policy_of

log = logging.getLogger(__name__)
WORKER = Actor.system("worker")


def heard(link: ErpLink) -> None:
    """A reading has succeeded."""
    if is_called_for(link):
        end_silence(WORKER, uuid4(), link_id=link.pk)
    else:
        Silence.objects.open().filter(link=link).delete()


def not_heard(link: ErpLink, problem: str, *, answers: bool) -> None:
    """A reading has failed."""
    values = {"problem": problem, "answers": answers}
    if not Silence.objects.open().filter(link=link).update(**values):
        Silence.objects.bulk_create([Silence(link=link, **values)], ignore_conflicts=True)
    limit = timedelta(minutes=policy_of(link).silent_minutes)
    is_long = Silence.objects.open().filter(link=link, since__lte=Now() - limit).exists()
    if not is_long or is_called_for(link):
        return
    try:
        call_for_silence(WORKER, uuid4(), link_id=link.pk)
    except CommandRefused as refusal:
        log.warning("nobody is called for %s: %s", link, refusal)


def is_called_for(link: ErpLink) -> bool:
    return FloorException.objects.open().filter(site=link.site_id, cause_kind=SILENT, cause_key=str(link.pk)).exists()
