"""Purchasing is asked to get it sooner, in the thread of the exception."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.asking import ask
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import AppliedCure
from apps.andon.owners import Finder
from apps.core import clock
from apps.core.commands import Context
from apps.orders.causes.shortages import SHORTAGE
from apps.orders.roles import PURCHASING
from apps.plant.models import Person, Site

CODE = "expedite"


def _asked(subjects: Subjects) -> dict[int, datetime]:
    rows = AppliedCure.objects.filter(exception__in={s.exception.pk for s in subjects}, cure=CODE).order_by("at")
    return dict(rows.values_list("exception", "at"))


def _buyers(sites: set[Site], at: datetime) -> dict[int, int | None]:
    """By site, who is asked first of those on duty."""
    finder = Finder(at)
    return {site.pk: next(iter(finder.on_duty(PURCHASING, site.scope)), None) for site in sites}


def _offers(subjects: Subjects) -> Offers:
    asked = _asked(subjects)
    buyers = _buyers({subject.exception.site for subject in subjects}, clock.now())
    names = dict(Person.objects.filter(pk__in=[pk for pk in buyers.values() if pk]).values_list("pk", "name"))
    return {s: [_offer(asked.get(s.exception.pk), buyers[s.exception.site_id], names)] for s in subjects}


def _offer(asked_at: datetime | None, buyer_id: int | None, names: dict[int, str]) -> Offer:
    why_not = ""
    if asked_at is not None:
        why_not = _("Purchasing was asked at %(time)s.") % {"time": f"{timezone.localtime(asked_at):%H:%M}"}
    elif buyer_id is None:
        why_not = _("Nobody of purchasing is on duty.")
    cost = _("%(name)s is told") % {"name": names[buyer_id]} if buyer_id else ""
    return Offer(label=str(EXPEDITE.label), cost=cost, why_not=why_not)


def _expedite(context: Context, subject: Subject, _inputs: Inputs, reason: str) -> None:
    exception = subject.exception
    buyer_id = _buyers({exception.site}, context.now)[exception.site_id]
    if buyer_id is None:
        context.refuse("nobody_there", _("Nobody of purchasing is on duty."))
    text = " ".join([_("Please get it sooner: %(sentence)s") % {"sentence": exception.sentence}, reason]).strip()
    ask(context, exception, buyer_id, text, role=PURCHASING)


EXPEDITE = declare(
    Cure(
        code=CODE,
        cause_kinds=frozenset({SHORTAGE}),
        label=gettext_lazy("Ask purchasing to expedite"),
        permission=ANSWER,
        offers=_offers,
        run=_expedite,
    )
)
