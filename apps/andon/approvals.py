"""A workflow that waits for its approval for longer than a rule says: an exception until somebody has decided.

Nobody approves what they have written themselves, so somebody else is asked: who may, and is not away.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.asking import ask
from apps.andon.causes import Cause, CauseKind
from apps.andon.causes import declare as declare_cause
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import FloorException, Informed
from apps.andon.models.exceptions import FloorExceptionQuerySet
from apps.andon.raising import end_causes, raise_exception
from apps.core import clock
from apps.core.commands import Context
from apps.core.models import LedgerEvent
from apps.core.rights import EVERYWHERE
from apps.plant.access import people_with_role
from apps.plant.duty import deputy_of, is_away, is_on_duty
from apps.plant.models import Person, Role, Site
from apps.workflows.actions import PUBLISH
from apps.workflows.events import ReviewRequested
from apps.workflows.models import Version, VersionStatus

LATE_APPROVAL = "late_approval"
TYPE = "late_approval"


def call_for_approval(context: Context, version_id: int) -> None:
    """Somebody, unless somebody is called already, or nothing waits any more."""
    rows = Version.objects.select_for_update(of=("self",)).select_related("workflow")
    version = rows.filter(pk=version_id, status=VersionStatus.IN_REVIEW).first()
    if version is not None and Site.objects.exists() and not calls(version_id).exists():
        raise_exception(context, cause_of(version))


def cause_of(version: Version) -> Cause:
    return Cause(
        type=TYPE,
        kind=LATE_APPROVAL,
        key=str(version.pk),
        site_id=site_of(version).pk,
        facts={"workflow": version.workflow.name, "number": version.number},
        thread=f"workflow_version:{version.pk}",
    )


def decided(context: Context, version_id: int) -> None:
    """It is approved, or goes back to who wrote it."""
    for exception in calls(version_id):
        end_causes(context, site_id=exception.site_id, kind=LATE_APPROVAL, keys=[exception.cause_key])


def calls(version_id: int) -> FloorExceptionQuerySet:
    return FloorException.objects.open().filter(cause_kind=LATE_APPROVAL, cause_key=str(version_id))


def site_of(version: Version) -> Site:
    return site_of_author(version.author_id)


def site_of_author(person_id: int | None) -> Site:
    """Workflows and rules hold for the whole plant; whoever has written one is at home somewhere."""
    author = Person.objects.filter(pk=person_id or 0).select_related("site").first()
    return author.site if author is not None and author.site is not None else Site.objects.order_by("pk")[0]


def _since(version: Version) -> datetime | None:
    asked = LedgerEvent.objects.filter(
        kind=ReviewRequested.kind, subject_kind=ReviewRequested.subject_kind, subject_id=str(version.pk)
    )
    at: datetime | None = asked.aggregate(at=Max("occurred_at"))["at"]
    return at


def _version_of(exception: FloorException) -> Version | None:
    rows = Version.objects.filter(pk=int(exception.cause_key), status=VersionStatus.IN_REVIEW)
    return rows.select_related("workflow").first()


def _headline(exception: FloorException) -> str:
    return _("%(workflow)s waits for approval") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    version = _version_of(exception)
    since = _since(version) if version else None
    if since is None:
        return _("Version %(number)s of %(workflow)s is decided.") % dict(exception.facts)
    return _(
        "Version %(number)s of %(workflow)s has waited for its approval since %(since)s. Who wrote it can't give it."
    ) % {**exception.facts, "since": f"{since.astimezone(exception.site.zone):%Y-%m-%d %H:%M}"}


APPROVAL = declare_cause(
    CauseKind(
        code=LATE_APPROVAL,
        label=gettext_lazy("late approval"),
        headline=_headline,
        sentence=_sentence,
        is_present=lambda exception: _version_of(exception) is not None,
    )
)


# ---- who could give it


def approvers(version: Version, at: datetime) -> dict[int, int | None]:
    """Who may publish it, has written nothing of it, and is not away; for whom they stand in, if for anybody. Those on
    duty first.
    """
    roles = Role.objects.filter(actions__code=PUBLISH.code).values_list("code", flat=True)
    able = people_with_role(list(roles), EVERYWHERE) - set(version.editor_ids)
    away = {person_id for person_id in able if is_away(person_id, at)}
    stands_in_for = {deputy_of(person_id, at): person_id for person_id in sorted(away)}
    here = sorted(able - away, key=lambda person_id: (not is_on_duty(person_id, at), person_id))
    return {person_id: stands_in_for.get(person_id) for person_id in here}


def _offers(subjects: Subjects) -> Offers:
    """Queries by exception: few wait for an approval at once."""
    at = clock.now()
    return {s: _ways(s.exception, version, at) for s in subjects if (version := _version_of(s.exception)) is not None}


def _ways(exception: FloorException, version: Version, at: datetime) -> list[Offer]:
    found = approvers(version, at)
    if not found:
        return [Offer(label=str(REMIND.label), why_not=_("Nobody is there who may approve it and has not written it."))]
    named = {*found, *(absent_id for absent_id in found.values() if absent_id)}
    names = dict(Person.objects.filter(pk__in=named).values_list("pk", "name"))
    asked = dict(Informed.objects.filter(exception=exception, person__in=found).values_list("person", "since"))
    return [
        Offer(
            label=_("Remind %(name)s") % {"name": names[person_id]}
            if person_id in asked
            else _("Ask %(name)s to approve it") % {"name": names[person_id]},
            inputs={"person": person_id},
            cost=_about(asked.get(person_id), names.get(absent_id or 0), is_here=is_on_duty(person_id, at)),
        )
        for person_id, absent_id in found.items()
    ]


def _about(asked_at: datetime | None, absent: str | None, *, is_here: bool) -> str:
    said = [_("on duty") if is_here else _("not on duty now")]
    said += [_("stands in for %(name)s") % {"name": absent}] if absent else []
    said += [_("asked at %(time)s") % {"time": f"{timezone.localtime(asked_at):%H:%M}"}] if asked_at else []
    return ", ".join(said)


def _remind(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    exception = subject.exception
    ask(context, exception, int(inputs["person"]), _("Please decide: %(what)s") % {"what": exception.sentence})


REMIND = declare(
    Cure(
        code="ask_for_approval",
        cause_kinds=frozenset({LATE_APPROVAL}),
        label=gettext_lazy("Ask for the approval"),
        permission=ANSWER,
        offers=_offers,
        run=_remind,
    )
)
