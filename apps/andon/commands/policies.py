"""Escalation policies: drafted, published by somebody else, then fixed; a new version replaces the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.andon.actions import CONFIGURE
from apps.andon.commands.versions import may_be_published, next_number, publish
from apps.andon.events import PolicyPublished
from apps.andon.models import EscalationPolicy, PolicyStatus, PolicyStep, PolicyVersion
from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.plant.models import Role

# What a version says besides its steps.
FIGURES = (
    "counting",
    "response_minutes",
    "resolution_minutes",
    "remind_minutes",
    "unack_minutes",
    "recheck_minutes",
    "snooze_minutes",
    "pause_minutes",
    "informs",
)
STEP = ("position", "after_minutes", "target", "role_id", "person_id", "channel", "condition", "repeat_minutes")


@command("andon.draft_policy")
def draft_policy(context: Context, *, policy_id: int) -> int:
    """Id of a new draft: a copy of the version in force, with its steps.

    Raises CommandRefused: not_found, draft_there.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    policy = EscalationPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        context.refuse("not_found", _("This policy does not exist any more. Reload the page."))
    if policy.versions.filter(status=PolicyStatus.DRAFT).exists():
        context.refuse("draft_there", _("There is a draft of this policy already. Change that one."))
    now_valid = policy.versions.in_force().first()
    figures = {name: getattr(now_valid, name) for name in FIGURES} if now_valid else {}
    number = next_number(policy.versions.all())
    draft = PolicyVersion.objects.create(policy=policy, number=number, author_id=context.actor.person_id, **figures)
    if now_valid:
        PolicyStep.objects.bulk_create(
            PolicyStep(version=draft, **{name: getattr(step, name) for name in STEP}) for step in now_valid.steps.all()
        )
    return draft.pk


@command("andon.publish_policy")
def publish_policy(context: Context, *, version_id: int, note: FreeText) -> None:
    """From now on new exceptions go by it; open ones keep what they were raised with.

    Raises CommandRefused: not_found, not_a_draft, own_work (the author does not approve), no_note, nobody_reached.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    version = PolicyVersion.objects.select_for_update().filter(pk=version_id).first()
    may_be_published(context, version, note)
    assert version is not None, "it would have been refused"
    _reaches_somebody(context, version)
    publish(context, version, version.policy.versions.in_force(), note)
    context.record(PolicyPublished(subject_id=version.pk, policy_id=version.policy_id, number=version.number))


def _reaches_somebody(context: Context, version: PolicyVersion) -> None:
    steps = list(version.steps.order_by("position"))
    if not steps:
        context.refuse("nobody_reached", _("A policy has a step at least: the last one asks until somebody answers."))
    waits = [step.after_minutes for step in steps]
    if waits != sorted(waits):
        context.refuse("steps_mixed", _("The steps are not in the order of their minutes."))


@command("andon.install_policy")
def install_policy(
    context: Context, *, code: str, name: str, figures: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> int:
    """A shipped policy, published as it is: nobody has written it, so the system may approve it."""
    context.allow(CONFIGURE, at=EVERYWHERE)
    policy = EscalationPolicy.objects.create(code=code, name=name)
    version = PolicyVersion.objects.create(policy=policy, number=1, **figures)
    roles = {role.code: role for role in Role.objects.filter(code__in=[step.get("role") for step in steps])}
    PolicyStep.objects.bulk_create(
        PolicyStep(
            version=version, position=position, **{**step, "role": roles[step["role"]] if "role" in step else None}
        )
        for position, step in enumerate(steps, start=1)
    )
    publish_policy.within(context, version_id=version.pk, note="As shipped.")
    return policy.pk
