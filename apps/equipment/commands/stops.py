"""Why a machine stood still: said once, split and corrected with history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.equipment.actions import CORRECT_STOPS, REPORT
from apps.equipment.causes import settle_call
from apps.equipment.events import StopSplit
from apps.equipment.following import explain, sign, story_of
from apps.equipment.models import Downtime, DowntimePart
from apps.equipment.words import machine_of
from apps.plant.models import Purpose, ReasonCode


@dataclass(frozen=True, kw_only=True)
class PartShown:
    part_id: int
    started_at: datetime
    ended_at: datetime | None
    reason_id: int | None


@dataclass(frozen=True, kw_only=True)
class DowntimeShown:
    """A downtime after a command; who answers next names this `version`."""

    downtime_id: int
    version: int
    started_at: datetime
    ended_at: datetime | None
    parts: list[PartShown]


@command("equipment.classify_stop")
def classify_stop(
    context: Context, *, downtime_id: int, version: int, reason_id: int, part_id: int | None = None
) -> DowntimeShown:
    """Says why, of a part that nobody has explained; `part_id` None: of all such parts.

    Raises CommandRefused: not_found, changed_meanwhile, explained_already, no_reason, and for who may not.
    """
    downtime = _locked(context, downtime_id)
    context.allow(REPORT, at=downtime.scope)
    parts = _parts(context, downtime, part_id)
    explained = next((part for part in parts if part.reason_id), None)
    if explained and (part_id or all(part.reason_id for part in parts)):
        _refuse_as_explained(context, downtime, explained)
    _check_version(context, downtime, version)
    reason = _reason(context, reason_id)
    for part in parts:
        if part.reason_id is None:
            explain(context, downtime, part, reason.pk, by_id=context.actor.person_id)
    return _changed(context, downtime)


@command("equipment.correct_reason")
def correct_reason(context: Context, *, downtime_id: int, version: int, part_id: int, reason_id: int) -> DowntimeShown:
    """Another reason than the one given; the old one stands in the history.

    Raises CommandRefused: not_found, changed_meanwhile, no_reason, and for who may not.
    """
    downtime = _locked(context, downtime_id)
    context.allow(CORRECT_STOPS, at=downtime.scope)
    _check_version(context, downtime, version)
    (part,) = _parts(context, downtime, part_id)
    explain(context, downtime, part, _reason(context, reason_id).pk, by_id=context.actor.person_id)
    return _changed(context, downtime)


@command("equipment.split_stop")
def split_stop(
    context: Context,
    *,
    downtime_id: int,
    version: int,
    part_id: int,
    at: datetime,
    reason_id: int | None = None,
) -> DowntimeShown:
    """Makes two of a part, the later one with its own reason; without one it is to be explained.

    Raises CommandRefused: not_found, changed_meanwhile, not_within, no_reason, and for who may not.
    """
    downtime = _locked(context, downtime_id)
    (part,) = _parts(context, downtime, part_id)
    context.allow(CORRECT_STOPS if part.reason_id else REPORT, at=downtime.scope)
    _check_version(context, downtime, version)
    if not part.started_at < at < (part.ended_at or context.now):
        context.refuse("not_within", _("Choose a time within this part of the stop."))
    later = DowntimePart(downtime=downtime, site_id=downtime.site_id, started_at=at, ended_at=part.ended_at)
    part.ended_at = at
    for row in (part, later):
        sign(context, row)
        row.save()
    context.record(
        StopSplit(
            subject_id=downtime.pk,
            **story_of(downtime),
            part_id=part.pk,
            new_part_id=later.pk,
            work_unit_id=downtime.work_unit_id,
            work_center_id=downtime.work_unit.work_center_id,
            at=at,
        )
    )
    if reason_id is not None:
        explain(context, downtime, later, _reason(context, reason_id).pk, by_id=context.actor.person_id)
    return _changed(context, downtime)


def _locked(context: Context, downtime_id: int) -> Downtime:
    rows = Downtime.objects.standing().select_related("work_unit__work_center").select_for_update(of=("self",))
    downtime = rows.filter(pk=downtime_id).first()
    if downtime is None:
        context.refuse("not_found", _("This stop does not exist any more. Reload the screen."))
    return downtime


def _parts(context: Context, downtime: Downtime, part_id: int | None) -> list[DowntimePart]:
    rows = downtime.parts.select_related("reason").order_by("started_at")
    parts = list(rows if part_id is None else rows.filter(pk=part_id))
    if not parts:
        context.refuse("not_found", _("This part of the stop does not exist any more. Reload the screen."))
    return parts


def _check_version(context: Context, downtime: Downtime, version: int) -> None:
    if downtime.version == version:
        return
    last = downtime.parts.exclude(reason=None).select_related("reason").order_by("-classified_at").first()
    if last is not None:
        _refuse_as_explained(context, downtime, last)
    context.refuse("changed_meanwhile", _("This stop has been split meanwhile. Look at it again."))


def _refuse_as_explained(context: Context, downtime: Downtime, part: DowntimePart) -> None:
    assert part.reason is not None, "who is explained has a reason"
    assert part.classified_at is not None, "and a time"
    zone = downtime.work_unit.site.zone
    context.refuse(
        "explained_already",
        _("It was explained at %(time)s already: %(reason)s. Correct that if it is wrong.")
        % {"time": date_format(part.classified_at.astimezone(zone), "TIME_FORMAT"), "reason": part.reason.label()},
        part_id=part.pk,
        reason_id=part.reason_id,
    )


def _reason(context: Context, reason_id: int) -> ReasonCode:
    reason = ReasonCode.objects.choosable(Purpose.DOWNTIME).filter(pk=reason_id).first()
    if reason is None:
        context.refuse("no_reason", _("Choose one of the reasons for a stop."))
    return reason


def _changed(context: Context, downtime: Downtime) -> DowntimeShown:
    downtime.version += 1
    sign(context, downtime)
    downtime.save(update_fields=["version"])
    settle_call(context, downtime, machine_of(downtime.work_unit))
    context.touch(*downtime.topics)
    return DowntimeShown(
        downtime_id=downtime.pk,
        version=downtime.version,
        started_at=downtime.started_at,
        ended_at=downtime.ended_at,
        parts=[
            PartShown(part_id=part.pk, started_at=part.started_at, ended_at=part.ended_at, reason_id=part.reason_id)
            for part in downtime.parts.order_by("started_at")
        ],
    )
