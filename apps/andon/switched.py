"""A step of a playbook that has failed alone three times in a row is switched off, and somebody has to look at it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import AloneOutcome, AloneRun, FloorException, PlaybookStep, PlaybookVersion
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.workflows.models import VersionStatus

SWITCHED_OFF = "playbook_off"
FAILURES = 3


def is_off(step: PlaybookStep) -> bool:
    """By its last runs; a new version of the playbook begins anew."""
    tried = AloneRun.objects.filter(step=step, outcome__in=[AloneOutcome.DONE, AloneOutcome.FAILED])
    last = list(tried.order_by("-done_at", "-pk").values_list("outcome", flat=True)[:FAILURES])
    return last == [AloneOutcome.FAILED] * FAILURES


def switch_off(context: Context, step: PlaybookStep, exception: FloorException) -> None:
    """An exception with an owner, at the place of the last failure."""
    raise_exception(
        context,
        Cause(
            type=SWITCHED_OFF,
            kind=SWITCHED_OFF,
            key=str(step.pk),
            site_id=exception.site_id,
            area_id=exception.area_id,
            work_center_id=exception.work_center_id,
            facts={"playbook": str(step.version), "step": step.labels, "code": step.code},
        ),
    )


def in_force_again(context: Context, version: PlaybookVersion) -> None:
    """A new version is in force: what was switched off belongs to the one before."""
    older = PlaybookStep.objects.filter(version__playbook=version.playbook_id).exclude(version=version)
    keys = [str(pk) for pk in older.values_list("pk", flat=True)]
    open_ones = FloorException.objects.open().filter(cause_kind=SWITCHED_OFF, cause_key__in=keys)
    for site_id in sorted(set(open_ones.values_list("site", flat=True))):
        end_causes(context, site_id=site_id, kind=SWITCHED_OFF, keys=keys)


def _is_in_force(exception: FloorException) -> bool:
    steps = PlaybookStep.objects.filter(pk=int(exception.cause_key), version__status=VersionStatus.PUBLISHED)
    return steps.exists()


def _sentence(exception: FloorException) -> str:
    said = _("Step “%(code)s” of %(playbook)s failed three times, so it acts alone no more. Mend the playbook.")
    return said % dict(exception.facts)


def _headline(exception: FloorException) -> str:
    return _("%(playbook)s: a step does not work") % dict(exception.facts)


OFF = declare(
    CauseKind(
        code=SWITCHED_OFF,
        label=gettext_lazy("playbook that does not work"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_in_force,
    )
)
