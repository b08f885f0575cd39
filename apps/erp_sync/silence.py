"""An ERP that can't be read: since when, and whom it calls. Whoever reads it says here how that went.

Asks the database and no more while all is as it was: a command is issued when somebody is to be called, or no more.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import uuid4

from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.andon.models import FloorException
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.erp_sync.causes.silence import SILENT
from apps.erp_sync.commands.watching import call_for_silence, end_silence
from apps.erp_sync.models import ErpLink, Reading, Silence
from apps.erp_sync.policy import policy_of

log = logging.getLogger(__name__)
WORKER = Actor.system("worker")


def last_heard(link: ErpLink) -> datetime | None:
    """By the database's clock."""
    at: datetime | None = Reading.objects.filter(link=link).aggregate(at=Max("read_at"))["at"]
    return at


def heard(link: ErpLink, before: datetime | None) -> None:
    """A reading has succeeded; the one `before` may be so long ago that nobody has asked meanwhile."""
    if is_called_for(link):
        end_silence(WORKER, uuid4(), link_id=link.pk)
        return
    Silence.objects.open().filter(link=link).delete()
    if before is not None and clock.of_database() - before >= policy_of(link).longest_silence:
        Silence.objects.create(link=link, since=before, ended_at=Now(), problem=_("Nobody asked: the worker was off."))


def not_heard(link: ErpLink, problem: str, *, answers: bool) -> None:
    """A reading has failed."""
    values = {"problem": problem, "answers": answers}
    if not Silence.objects.open().filter(link=link).update(**values):
        Silence.objects.bulk_create([Silence(link=link, **values)], ignore_conflicts=True)
    limit = policy_of(link).longest_silence
    is_long = Silence.objects.open().filter(link=link, since__lte=Now() - limit).exists()
    if not is_long or is_called_for(link):
        return
    try:
        call_for_silence(WORKER, uuid4(), link_id=link.pk)
    except CommandRefused as refusal:
        log.warning("nobody is called for %s: %s", link, refusal)


def is_called_for(link: ErpLink) -> bool:
    return FloorException.objects.open().filter(site=link.site_id, cause_kind=SILENT, cause_key=str(link.pk)).exists()
