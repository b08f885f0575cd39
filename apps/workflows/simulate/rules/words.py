"""How outcomes and differences are said to an engineer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from apps.workflows.simulate.rules.judging import Outcome
from apps.workflows.simulate.rules.result import Differs

OUTCOMES: dict[Outcome, StrOrPromise] = {
    Outcome.ACTS: _("it acts"),
    Outcome.OTHER_EVENT: _("it follows another event"),
    Outcome.SCOPE: _("it is not meant for this place, item or customer"),
    Outcome.CONDITION: _("the condition does not hold"),
    Outcome.NOT_STILL: _("it was so no more when it looked again"),
    Outcome.BROKEN: _("the condition can't be answered"),
    Outcome.COUNT: _("it has not happened often enough yet"),
    Outcome.REST: _("it rests after its last act"),
    Outcome.DEPTH: _("rules follow rules without end"),
    Outcome.RATE: _("it acts as often in a minute as it may"),
    Outcome.WAITS: _("its time has not come yet"),
    Outcome.UNKNOWN: _("nobody can say any more"),
}
DIFFERS: dict[Differs, StrOrPromise] = {
    Differs.MORE: _("would act"),
    Differs.LESS: _("would act no more"),
    Differs.OTHERWISE: _("would act otherwise"),
}
