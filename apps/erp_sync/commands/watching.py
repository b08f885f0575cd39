"""Exceptions about an ERP as a whole begin and end: it is silent, what goes there is late."""

from __future__ import annotations

from django.db.models.functions import Now

from apps.andon.causes import Cause
from apps.andon.commands import merge
from apps.andon.models import FloorException
from apps.andon.raising import raise_exception
from apps.core.commands import Context, command
from apps.erp_sync.actions import POST
from apps.erp_sync.causes import lateness, silence
from apps.erp_sync.models import ErpLink, Silence
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import erp_topic


@command("erp_sync.call_for_silence")
def call_for_silence(context: Context, *, link_id: int) -> bool:
    """Whether somebody is called: the ERP has been silent for as long as its policy allows. Postings that were late
    before are part of it from now on.
    """
    link = _locked(context, link_id)
    limit = policy_of(link).longest_silence
    if not link.active or not Silence.objects.open().filter(link=link, since__lte=Now() - limit).exists():
        return False
    above = raise_exception(context, _cause(link, silence.TYPE, silence.SILENT))
    late = FloorException.objects.not_done().filter(
        site=link.site_id, cause_kind=lateness.LATE, cause_key=str(link.pk), parent=None, children=None
    )
    for exception_id in late.values_list("pk", flat=True):
        merge.within(context.consequence(), exception_id=exception_id, into_id=above)
    context.touch(erp_topic(link.site_id))
    return True


@command("erp_sync.end_silence")
def end_silence(context: Context, *, link_id: int) -> None:
    """The ERP was read again."""
    link = _locked(context, link_id)
    silence.end(context, link)
    context.touch(erp_topic(link.site_id))


@command("erp_sync.settle_lateness")
def settle_lateness(context: Context, *, link_id: int) -> bool:
    """Whether somebody is called anew, because postings to the ERP are late; else, once none is, nobody is any more."""
    link = _locked(context, link_id)
    is_late = link.active and not lateness.is_called_for(link) and lateness.late_ones(link).exists()
    if is_late:
        raise_exception(context, _cause(link, lateness.TYPE, lateness.LATE))
    else:
        lateness.end(context, link)
    context.touch(erp_topic(link.site_id))
    return is_late


def _locked(context: Context, link_id: int) -> ErpLink:
    """Postings that are written meanwhile point to it and need not wait."""
    rows = ErpLink.objects.select_for_update(of=("self",), no_key=True).select_related("site")
    link = rows.get(pk=link_id)
    context.allow(POST, at=link.scope)
    return link


def _cause(link: ErpLink, kind_of_exception: str, kind: str) -> Cause:
    return Cause(
        type=kind_of_exception,
        kind=kind,
        key=str(link.pk),
        site_id=link.site_id,
        facts={"system": link.system},
        thread=f"erp_link:{link.pk}",
    )
