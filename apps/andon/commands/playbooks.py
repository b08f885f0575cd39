"""Playbooks: drafted by who knows how, published by somebody else, then fixed; followed step by step."""

from __future__ import annotations

from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER, CONFIGURE
from apps.andon.commands.rows import Standing, locked, locked_solved, standing, still_open
from apps.andon.commands.versions import may_be_published, next_number, publish
from apps.andon.cures import CURES
from apps.andon.events import InstructionFollowed, PlaybookPublished
from apps.andon.models import (
    AppliedCure,
    FloorException,
    Playbook,
    PlaybookStep,
    PlaybookVersion,
    PolicyStatus,
)
from apps.andon.planning import note_progress, save_with_plan
from apps.andon.switched import in_force_again
from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE

STEP = ("position", "code", "labels", "cure", "inputs", "acts_alone")


@command("andon.draft_playbook")
def draft_playbook(context: Context, *, playbook_id: int) -> int:
    """Id of a new draft: a copy of the version in force, with its steps.

    Raises CommandRefused: not_found, draft_there, and for who may not.
    """
    playbook = Playbook.objects.select_for_update().filter(pk=playbook_id).first()
    if playbook is None:
        context.refuse("not_found", _("This playbook does not exist any more. Reload the page."))
    context.allow(CONFIGURE, at=playbook.scope)
    if playbook.versions.filter(status=PolicyStatus.DRAFT).exists():
        context.refuse("draft_there", _("There is a draft of this playbook already. Change that one."))
    return _draft(context, playbook).pk


@command("andon.publish_playbook")
def publish_playbook(context: Context, *, version_id: int, note: FreeText) -> None:
    """From now on it is what exceptions of its type show.

    Raises CommandRefused: not_found, not_a_draft, own_work, no_note, no_step, no_cure, needs_person.
    """
    version = PlaybookVersion.objects.select_for_update().filter(pk=version_id).first()
    context.allow(CONFIGURE, at=version.scope if version else EVERYWHERE)
    may_be_published(context, version, note)
    assert version is not None, "it would have been refused"
    _can_be_followed(context, list(version.steps.all()))
    publish(context, version, version.playbook.versions.in_force(), note)
    in_force_again(context, version)
    context.record(PlaybookPublished(subject_id=version.pk, playbook_id=version.playbook_id, number=version.number))


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
    step = PlaybookStep.objects.select_related("version__playbook").filter(pk=step_id, cure="").first()
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
    Raises CommandRefused: not_found, not_resolved, nothing_done, known_already, and for who may not.
    """
    exception = locked_solved(context, exception_id)
    applied = AppliedCure.objects.filter(exception=exception).exclude(cure="").order_by("pk").last()
    if applied is None and exception.resolution is None:
        context.refuse("nothing_done", _("It ended by itself: there is nothing to do again."))
    code = applied.cure if applied else exception.resolution.code if exception.resolution else ""
    version = _draft_for(context, exception)
    if version.steps.filter(code=slugify(code)[:40]).exists():
        context.refuse("known_already", _("The playbook has this step already."))
    step = PlaybookStep.objects.create(
        version=version,
        position=version.steps.count() + 1,
        code=slugify(code)[:40],
        labels=_labels(exception, applied),
        cure=applied.cure if applied else "",
    )
    return step.pk


def _labels(exception: FloorException, applied: AppliedCure | None) -> dict[str, str]:
    if applied is not None:
        return {"en": str(CURES[applied.cure].label) if applied.cure in CURES else applied.cure}
    return dict(exception.resolution.labels) if exception.resolution else {}


def _draft_for(context: Context, exception: FloorException) -> PlaybookVersion:
    """That of the playbook that it shows, made where there is none."""
    known = [each for each in Playbook.objects.filter(type=exception.type).select_for_update() if each.fits(exception)]
    playbook = max(known, key=lambda each: each.exactness, default=None)
    if playbook is None:
        playbook = Playbook.objects.create(
            code=f"{exception.type.code}-{exception.site.code.lower()}"[:40],
            name=exception.type.label("en"),
            type=exception.type,
            site=exception.site,
        )
    draft = playbook.versions.filter(status=PolicyStatus.DRAFT).first() or _draft(context, playbook)
    if context.actor.person_id is not None and context.actor.person_id not in draft.editor_ids:
        draft.editor_ids = [*draft.editor_ids, context.actor.person_id]
        draft.save(update_fields=["editor_ids"])
    return draft


def _draft(context: Context, playbook: Playbook) -> PlaybookVersion:
    now_valid = playbook.versions.in_force().first()
    draft = PlaybookVersion.objects.create(
        playbook=playbook, number=next_number(playbook.versions.all()), author_id=context.actor.person_id
    )
    if now_valid:
        PlaybookStep.objects.bulk_create(
            PlaybookStep(version=draft, **{name: getattr(step, name) for name in STEP})
            for step in now_valid.steps.all()
        )
    return draft
