"""An ERP that can't be read for longer than its policy allows is one exception, until a reading succeeds."""

from __future__ import annotations

from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.erp_sync.events import ErpDisconnected
from apps.erp_sync.models import ErpLink, Posting, PostingState, Silence

SILENT = "erp_silent"
TYPE = "erp_down"


def end(context: Context, link: ErpLink) -> None:
    Silence.objects.open().filter(link=link).update(ended_at=Now())
    end_causes(context, site_id=link.site_id, kind=SILENT, keys=[str(link.pk)])


@subscribe(ErpDisconnected)
def end_with_the_link(event: ErpDisconnected, context: Context) -> None:
    """Nobody waits for an ERP that the site does not have any more."""
    end(context, ErpLink.objects.get(pk=event.subject_id))


def _silence_of(exception: FloorException) -> Silence | None:
    rows: list[Silence] = list(Silence.objects.filter(link=int(exception.cause_key)).select_related("link__site")[:1])
    return rows[0] if rows else None


def _is_present(exception: FloorException) -> bool:
    return Silence.objects.open().filter(link=int(exception.cause_key)).exists()


def _headline(exception: FloorException) -> str:
    silence = _silence_of(exception)
    said = _("%(site)s: the ERP can't be read") if silence and silence.answers else _("%(site)s: the ERP is silent")
    return said % {"site": exception.site.code}


def _sentence(exception: FloorException) -> str:
    """What still works, since when, and how much waits."""
    silence = _silence_of(exception)
    if silence is None:
        return _headline(exception)
    going = Posting.objects.filter(link=silence.link_id, state__in=(PostingState.QUEUED, PostingState.LEASED))
    facts = {
        "since": date_format(silence.since.astimezone(silence.link.site.zone), "SHORT_DATETIME_FORMAT"),
        "waiting": going.count(),
        "problem": silence.problem.rstrip("."),
    }
    if silence.answers:
        return (
            _(
                "The ERP answers, but has not let itself be read since %(since)s: %(problem)s. Everything on the floor "
                "works; new orders and changes from the ERP do not come. %(waiting)s postings wait."
            )
            % facts
        )
    return (
        _(
            "The ERP has not answered since %(since)s: %(problem)s. Everything on the floor works and is kept; "
            "%(waiting)s postings wait and go by themselves when it answers. New orders and changes from the ERP do "
            "not come."
        )
        % facts
    )


SILENCE = declare(
    CauseKind(
        code=SILENT,
        label=gettext_lazy("ERP that does not answer"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_present,
    )
)
