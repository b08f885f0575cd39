"""An operation waits for a qualification, and a partner who has it would do: somebody who is there is asked to come."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import AppliedCure
from apps.core import clock
from apps.core.commands import Context
from apps.orders.causes.skills import MISSING_SKILL, waiting_job
from apps.orders.cures.skills import no_one, time_of, until
from apps.orders.qualified import Qualified, ask_to_join, partners_for
from apps.orders.together import partners_of
from apps.plant.models import Person

CODE = "assign_partner"


def _offers(subjects: Subjects) -> Offers:
    """Each who has what is missing and is on duty. Queries by exception: few wait for a qualification at once."""
    at = clock.now()
    found = {subject: one for subject in subjects if (one := _partners(subject, at)) is not None}
    if not found:
        return {}
    people = {pk for one, _agreed in found.values() for pk in {*one.here, *one.elsewhere}}
    names = dict(Person.objects.filter(pk__in=people).values_list("pk", "name"))
    asked = _asked([subject.exception.pk for subject in found])
    return {subject: _ways(subject, *one, names, asked) for subject, one in found.items()}


def _partners(subject: Subject, at: datetime) -> tuple[Qualified, set[int]] | None:
    """Who could be, and who has agreed to; None where no partner helps, or none any more."""
    waiting = waiting_job(subject.exception)
    if waiting is None or not waiting[1].spec.partner_suffices:
        return None
    job, edge = waiting
    lacking = subject.exception.facts.get("lacking") or edge.spec.skills
    return partners_for(job, lacking, at), {partner.person_id for partner in partners_of(job.pk)}


def _asked(exception_ids: Collection[int]) -> dict[tuple[int, int], datetime]:
    """(exception, person) -> when asked to come and work together."""
    rows = AppliedCure.objects.filter(exception__in=exception_ids, cure=CODE).order_by("at")
    return {(pk, inputs["person"]): at for pk, inputs, at in rows.values_list("exception_id", "inputs", "at")}


def _ways(
    subject: Subject,
    found: Qualified,
    agreed: Collection[int],
    names: dict[int, str],
    asked: dict[tuple[int, int], datetime],
) -> list[Offer]:
    if not found.here:
        return [Offer(label=str(ASSIGN.label), why_not=no_one(found, names))]
    return [
        Offer(
            label=_("Ask %(name)s to work together") % {"name": names[pk]},
            inputs={"person": pk},
            cost=until(ends_at),
            why_not=_why_not(names[pk], agreed=pk in agreed, asked_at=asked.get((subject.exception.pk, pk))),
        )
        for pk, ends_at in found.here.items()
    ]


def _why_not(name: str, *, agreed: bool, asked_at: datetime | None) -> str:
    if agreed:
        return _("%(name)s works together there already: the step can be taken.") % {"name": name}
    return _("%(name)s was asked at %(time)s.") % {"name": name, "time": time_of(asked_at)} if asked_at else ""


def _ask(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    ask_to_join(context, subject.exception, int(inputs["person"]))


ASSIGN = declare(
    Cure(
        code=CODE,
        cause_kinds=frozenset({MISSING_SKILL}),
        label=gettext_lazy("Assign a partner"),
        permission=ANSWER,
        offers=_offers,
        run=_ask,
    )
)
