"""Escalation policies: drafted, reviewed, published by somebody else, then fixed; a new version replaces the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.andon.actions import CONFIGURE
from apps.andon.commands import drafts
from apps.andon.events import PolicyPublished
from apps.andon.models import EscalationPolicy, PolicyVersion
from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.plant.models import Role
from apps.workflows.models import VersionStatus
from apps.workflows.versioning import locked_version, refuse_if_changed


@command("andon.draft_policy")
def draft_policy(context: Context, *, policy_id: int) -> int:
    """Id of a new draft: a copy of the version in force, with its steps.

    Raises CommandRefused: not_found, draft_there, in_review.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    policy = EscalationPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        context.refuse("not_found", _("This policy does not exist any more. Reload the page."))
    there = drafts.open_version(policy)
    if there is not None:
        drafts.refuse_in_review(context, there)
        context.refuse("draft_there", _("There is a draft of this policy already. Change that one."))
    return drafts.begin(context, policy).pk


@command("andon.save_policy_draft")
def save_policy_draft(
    context: Context,
    *,
    version_id: int,
    figures: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    based_on: str = "",
) -> str:
    """The draft says this from now on, and nothing else; answers its checksum.

    figures, steps  fields of PolicyVersion and PolicyStep as their `says` names them    based_on  as of save_draft

    Raises CommandRefused: not_found, wrong_status, changed_meanwhile, not_valid, twice.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    draft = _locked(context, version_id, VersionStatus.DRAFT)
    refuse_if_changed(context, draft, based_on)
    drafts.save(context, draft, figures, steps)
    return draft.checksum


@command("andon.submit_policy")
def submit_policy(context: Context, *, version_id: int) -> str:
    """For review by somebody else: it is fixed until it is returned.

    Raises CommandRefused: not_found, wrong_status, nobody_reached, steps_mixed, checksum.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    draft = _locked(context, version_id, VersionStatus.DRAFT)
    _reaches_somebody(context, draft)
    return drafts.submit(context, draft)


@command("andon.return_policy")
def return_policy(context: Context, *, version_id: int) -> str:
    """To the author, who may change it again. Raises CommandRefused: not_found, wrong_status."""
    context.allow(CONFIGURE, at=EVERYWHERE)
    return drafts.give_back(context, _locked(context, version_id, VersionStatus.IN_REVIEW))


@command("andon.publish_policy")
def publish_policy(context: Context, *, version_id: int, note: FreeText) -> None:
    """From now on new exceptions go by it; open ones keep what they were raised with.

    Raises CommandRefused: not_found, wrong_status, own_work (who has written it does not approve), note_missing,
    nobody_reached, steps_mixed, checksum.
    """
    context.allow(CONFIGURE, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    _reaches_somebody(context, version)
    drafts.put_in_force(context, version, version.policy, note)
    context.record(
        PolicyPublished(
            subject_id=version.pk,
            policy_id=version.policy_id,
            number=version.number,
            checksum=version.checksum,
            editor_ids=version.editor_ids,
        )
    )


@command("andon.install_policy")
def install_policy(
    context: Context, *, code: str, name: str, figures: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> int:
    """A shipped policy, published as it is: nobody has written it, so the system may approve it."""
    context.allow(CONFIGURE, at=EVERYWHERE)
    policy = EscalationPolicy.objects.create(code=code, name=name)
    draft = drafts.begin(context, policy)
    roles = dict(Role.objects.filter(code__in=[step.get("role") for step in steps]).values_list("code", "pk"))
    drafts.save(
        context,
        draft,
        figures,
        [
            {**step, "position": position, "role_id": roles[step["role"]] if "role" in step else None}
            for position, step in enumerate(steps, start=1)
        ],
    )
    drafts.submit(context, draft)
    publish_policy.within(context, version_id=draft.pk, note="As shipped.")
    return policy.pk


def _locked(context: Context, version_id: int, *expected: VersionStatus) -> PolicyVersion:
    return locked_version(context, PolicyVersion.objects.select_related("policy"), version_id, *expected)


def _reaches_somebody(context: Context, version: PolicyVersion) -> None:
    steps = list(version.steps.order_by("position"))
    if not steps:
        context.refuse("nobody_reached", _("A policy has a step at least: the last one asks until somebody answers."))
    waits = [step.after_minutes for step in steps]
    if waits != sorted(waits):
        context.refuse("steps_mixed", _("The steps are not in the order of their minutes."))
