"""The ways out of the state of an operation as a station offers them: a button, a sheet to fill in, or why not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.orders.models import DispatchStatus, JobOrder
from apps.workflows.exits import Exit, exits
from apps.workflows.judgement import BROKEN
from apps.workflows.models import Phases

# What stands against the one who is signed in, and not against whoever comes over to sign.
_PERSONAL = frozenset({"not_allowed", "wrong_role", "not_qualified", "same_person", "signature_missing"})


@dataclass(frozen=True)
class Choice:
    """
    is_open     a press goes on: possible, or to be signed by somebody who comes over
    asks        first a sheet, for what is to be entered or signed
    who_signs   that it is somebody else, and who
    by_badge    the sheet asks for badge and PIN, because the signature does or because another one signs
    """

    exit: Exit
    is_proposed: bool

    @property
    def is_open(self) -> bool:
        return self.exit.possible or self.is_for_another

    @property
    def is_for_another(self) -> bool:
        return self.exit.signature is not None and self.exit.refusal in _PERSONAL

    @property
    def who_signs(self) -> str:
        if not self.is_for_another or self.exit.refusal == "signature_missing":
            return ""
        if self.exit.refusal in ("not_allowed", "wrong_role"):
            return f"{_('Somebody else signs this, with badge and PIN.')} {self.exit.owner}"
        return f"{self.exit.why_not} {self.exit.owner}"

    @property
    def asks(self) -> bool:
        return self.is_open and bool(self.exit.inputs or self.exit.signature)

    @property
    def by_badge(self) -> bool:
        signature = self.exit.signature
        return signature is not None and (signature.credentials or not self.exit.possible)

    @property
    def needs_partner(self) -> bool:
        """What is missing may be somebody else's who works together with the one who is signed in."""
        return self.exit.refusal == "not_qualified" and self.exit.by_partner

    @property
    def is_broken(self) -> bool:
        return self.exit.refusal in BROKEN

    @property
    def key(self) -> str:
        """Two choices with the same key make the same sheet, and what is typed in it stays."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def choices(job: JobOrder, actor: Actor) -> list[Choice]:
    """At most one is proposed, and it comes first: what this one can take, else what somebody else has to sign."""
    found = [Choice(exit_, is_proposed=False) for exit_ in exits(job, actor)]
    onward = [choice for choice in found if choice.is_open and _is_next(job, choice.exit)]
    proposed = next((choice for choice in onward if choice.exit.possible), onward[0] if onward else None)
    if proposed is None:
        return found
    return [replace(proposed, is_proposed=True), *(choice for choice in found if choice is not proposed)]


def _is_next(job: JobOrder, exit_: Exit) -> bool:
    if exit_.inputs and not exit_.signature:
        return False
    if job.is_setting_up:
        return exit_.target_phase == Phases.RUN
    wanted = DispatchStatus.COMPLETED if job.is_running else DispatchStatus.RUNNING
    return exit_.target_status == wanted and not (job.is_running and job.to_do)
