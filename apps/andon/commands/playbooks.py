"""Playbooks: drafted by who knows how, reviewed and published by somebody else, then fixed; followed step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER, CONFIGURE
from apps.andon.commands import drafts
from apps.andon.cures import CURES
from apps.andon.events import InstructionFollowed, PlaybookPublished
from apps.andon.models import (
    AppliedCure,
    FloorException,
    Playbook,
    PlaybookStep,
    PlaybookVersion,
)
from apps.andon.planning import note_progress, save_with_plan
from apps.andon.rows import Standing, locked, locked_solved, standing, still_open
from apps.andon.switched import in_force_again
from apps.core.commands import Context, FreeText, command
from apps.workflows.models import VersionStatus
from apps.workflows.versioning import expect_status, locked_version, refuse_if_changed

MAX_CODE = 40


@command("andon.draft_playbook")
def draft_playbook(context: Context, *, playbook_id: int) -> int:
    """Id of a new draft: a copy of the version in force, with its steps.

    Raises CommandRefused: not_found, draft_there, in_review, and for who may not.
    """
    playbook = Playbook.objects.select_for_update().filter(pk=playbook_id).first()
    if playbook is None:
        context.refuse("not_found", _("This playbook does not exist any more. Reload the page."))
    context.allow(CONFIGURE, at=playbook.scope)
    there = drafts.open_version(playbook)
    if there is not None:
        drafts.refuse_in_review(context, there)
        context.refuse("draft_there", _("There is a draft of this playbook already. Change that one."))
    return drafts.begin(context, playbook).pk


@command("andon.save_playbook_draft")
def save_playbook_draft(
    context: Context, *, version_id: int, steps: Sequence[Mapping[str, Any]], based_on: str = ""
) -> str:
    """The draft has these steps from now on, and no others; answers its checksum.

    steps  fields of PlaybookStep as its `says` names them    based_on  as of save_draft

    Raises CommandRefused: not_found, wrong_status, changed_meanwhile, not_valid, twice, and for who may not.
    """
    draft = _locked(context, version_id, VersionStatus.DRAFT)
    refuse_if_changed(context, draft, based_on)
    drafts.save(context, draft, {}, steps)
    return draft.checksum


@command("andon.submit_playbook")
def submit_playbook(context: Context, *, version_id: int) -> str:
    """For review by somebody else: it is fixed until it is returned.

    Raises CommandRefused: not_found, wrong_status, no_step, no_cure, needs_person, checksum, and for who may not.
    """
    draft = _locked(context, version_id, VersionStatus.DRAFT)
    _can_be_followed(context, list(draft.steps.all()))
    return drafts.submit(context, draft)


@command("andon.return_playbook")
def return_playbook(context: Context, *, version_id: int) -> str:
    """To the author, who may change it again. Raises CommandRefused: not_found, wrong_status, and for who may not."""
    return drafts.give_back(context, _locked(context, version_id, VersionStatus.IN_REVIEW))


@command("andon.publish_playbook")
def publish_playbook(context: Context, *, version_id: int, note: FreeText) -> None:
    """From now on it is what exceptions of its type show.

    Raises CommandRefused: not_found, wrong_status, own_work (who has written it does not approve), note_missing,
    no_step, no_cure, needs_person, checksum, and for who may not.
    """
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    _can_be_followed(context, list(version.steps.all()))
    drafts.put_in_force(context, version, version.playbook, note)
    in_force_again(context, version)
    context.record(
        PlaybookPublished(
            subject_id=version.pk,
            playbook_id=version.playbook_id,
            number=version.number,
            checksum=version.checksum,
            editor_ids=version.editor_ids,
        )
    )


def _locked(context: Context, version_id: int, expected: VersionStatus) -> PlaybookVersion:
    """Who may set up exceptions at the place of its playbook works on it."""
    rows = PlaybookVersion.objects.select_related("playbook__site", "playbook__area", "playbook__work_center")
    version = locked_version(context, rows, version_id)
    context.allow(CONFIGURE, at=version.scope)
    expect_status(context, version, expected)
    return version


def _can_be_followed(context: Context, steps: list[PlaybookStep]) -> None:
    if not steps:
        context.refuse("no_step", _("A playbook has a step at least."))
    for step in steps:
        cure = CURES.get(step.cure)
        if step.cure and cure is None:
            context.refuse(
                "no_cure", _("Step %(step)s: there is no cure “%(cure)s”.") % {"step": step, "cure": step.cure}
            )
        if cure is not None and step.acts_alone and cure.needs_person:
            context.refuse(
                "needs_person", _("Step %(step)s is signed by a person: it never acts alone.") % {"step": step}
            )


@command("andon.follow_step")
def follow_step(context: Context, *, exception_id: int, step_id: int) -> Standing:
    """Somebody has done what an instruction of the playbook says.

    Raises CommandRefused: not_found, closed, no_step (a cure is applied, not followed), and for who may not.
    """
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    steps = PlaybookStep.objects.filter(version__published_at__isnull=False).select_related("version__playbook")
    step = steps.filter(pk=step_id, cure="").first()
    if step is None or not step.version.playbook.fits(exception):
        context.refuse("no_step", _("This is no instruction for it. Reload the screen."))
    AppliedCure.objects.create(
        site_id=exception.site_id,
        exception=exception,
        step=step,
        person_id=context.actor.person_id,
        at=context.now,
    )
    note_progress(exception, context.now)
    save_with_plan(context, exception)
    context.record(
        InstructionFollowed(subject_id=exception.pk, **exception.story, step_id=step.pk, owner_id=exception.owner_id)
    )
    return standing(exception)


@command("andon.draft_step_from")
def draft_step_from(context: Context, *, exception_id: int) -> int:
    """Id of a new step, in the draft of the playbook for such exceptions: what has solved this one.

    The cure that was applied last, else an instruction in the words of its resolution. Nothing is in force by this.
    Raises CommandRefused: not_found, not_resolved, nothing_done, known_already, in_review, and for who may not.
    """
    exception = locked_solved(context, exception_id)
    applied = AppliedCure.objects.filter(exception=exception).exclude(cure="").order_by("pk").last()
    if applied is None and exception.resolution is None:
        context.refuse("nothing_done", _("It ended by itself: there is nothing to do again."))
    code = applied.cure if applied else exception.resolution.code if exception.resolution else ""
    draft = _draft_for(context, exception)
    own, steps = drafts.said_by(draft)
    code = slugify(code)[:MAX_CODE]
    if any(step["code"] == code for step in steps):
        context.refuse("known_already", _("The playbook has this step already."))
    step = {
        "position": max((step["position"] for step in steps), default=0) + 1,
        "code": code,
        "labels": _labels(exception, applied),
        "cure": applied.cure if applied else "",
    }
    return drafts.save(context, draft, own, [*steps, step])[-1].pk


def _labels(exception: FloorException, applied: AppliedCure | None) -> dict[str, str]:
    if applied is not None:
        return {"en": str(CURES[applied.cure].label) if applied.cure in CURES else applied.cure}
    return dict(exception.resolution.labels) if exception.resolution else {}


def _draft_for(context: Context, exception: FloorException) -> drafts.Drafted:
    """That of the playbook that it shows, made where there is none."""
    known = [each for each in Playbook.objects.filter(type=exception.type).select_for_update() if each.fits(exception)]
    playbook = max(known, key=lambda each: each.exactness, default=None)
    if playbook is None:
        playbook = Playbook.objects.create(
            code=f"{exception.type.code}-{exception.site.code.lower()}"[:MAX_CODE],
            name=exception.type.label("en"),
            type=exception.type,
            site=exception.site,
        )
    draft = drafts.open_version(playbook) or drafts.begin(context, playbook)
    drafts.refuse_in_review(context, draft)
    return draft
