"""An operation waits for a qualification: somebody who has it, and is there, is called."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import Informed
from apps.core import clock
from apps.core.commands import Context
from apps.orders.causes.skills import MISSING_SKILL, waiting_job
from apps.orders.qualified import Qualified, call, qualified_for
from apps.plant.models import Person

# So many who are not there are named.
NAMED = 5


def _qualified(subject: Subject, at: datetime) -> Qualified | None:
    waiting = waiting_job(subject.exception)
    return qualified_for(*waiting, at) if waiting else None


def _offers(subjects: Subjects) -> Offers:
    """Each who is qualified and on duty. Queries by exception: few wait for a qualification at once."""
    at = clock.now()
    found = {subject: _qualified(subject, at) for subject in subjects}
    people = {pk for one in found.values() if one for pk in {*one.here, *one.elsewhere}}
    names = dict(Person.objects.filter(pk__in=people).values_list("pk", "name"))
    told = {
        (row.exception_id, row.person_id): row.since
        for row in Informed.objects.filter(exception__in={subject.exception.pk for subject in subjects})
    }
    return {subject: _ways(subject, one, names, told) for subject, one in found.items() if one}


def _ways(
    subject: Subject, found: Qualified, names: dict[int, str], told: dict[tuple[int, int], datetime]
) -> list[Offer]:
    if not found.here:
        return [Offer(label=str(CALL.label), why_not=no_one(found, names))]
    return [
        Offer(
            label=_("Call %(name)s") % {"name": names[pk]},
            inputs={"person": pk},
            cost=until(ends_at),
            why_not=_was_called(names[pk], told.get((subject.exception.pk, pk))),
        )
        for pk, ends_at in found.here.items()
    ]


def no_one(found: Qualified, names: dict[int, str]) -> str:
    others = ", ".join(sorted(names[pk] for pk in found.elsewhere)[:NAMED])
    why_not = _("Nobody who is qualified is on duty.")
    who = _("Qualified are: %(names)s.") % {"names": others} if others else _("Nobody else is qualified either.")
    return f"{why_not} {who}"


def until(ends_at: datetime | None) -> str:
    return _("on duty until %(time)s") % {"time": time_of(ends_at)} if ends_at else _("at work")


def _was_called(name: str, at: datetime | None) -> str:
    return _("%(name)s was called at %(time)s.") % {"name": name, "time": time_of(at)} if at else ""


def time_of(at: datetime) -> str:
    return f"{timezone.localtime(at):%H:%M}"


def _call(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    call(context, subject.exception, int(inputs["person"]))


CALL = declare(
    Cure(
        code="call_qualified",
        cause_kinds=frozenset({MISSING_SKILL}),
        label=gettext_lazy("Call a qualified person"),
        permission=ANSWER,
        offers=_offers,
        run=_call,
    )
)
