"""How reasons and certainties are said to an engineer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from apps.workflows.simulate.judging import Certainty, Reason

REASONS: dict[Reason, StrOrPromise] = {
    Reason.STATE_GONE: _("the state it was in is gone"),
    Reason.GONE: _("there is no such step any more"),
    Reason.NOT_FROM_HERE: _("the step does not begin there any more"),
    Reason.ROLE: _("not a step for the role of who took it"),
    Reason.SKILL: _("a qualification was missing"),
    Reason.INPUT: _("what was typed would not be taken"),
    Reason.GUARD: _("the guard says no"),
    Reason.GUARD_ERROR: _("the guard can't be answered"),
    Reason.TOO_OFTEN: _("taken too often already"),
    Reason.SIGNATURE: _("waits for a signature"),
}
CERTAINTIES: dict[Certainty, StrOrPromise] = {
    Certainty.EXACT: _("exact"),
    Certainty.ESTIMATED: _("estimated"),
    Certainty.IMPOSSIBLE: _("can't be said"),
}
