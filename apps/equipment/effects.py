"""What a rule can have done about a machine that stands."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.commands import Context
from apps.equipment.causes import call_from_now_on
from apps.workflows.effects import EffectParameters, Occasion, effect


class CallParameters(EffectParameters):
    """Whom, and how, the type of exception says."""


@effect("call_for_stop", _("Call somebody to the stopped machine"), CallParameters, needs={"downtime_id"})
def call_for_stop(context: Context, occasion: Occasion, parameters: CallParameters) -> None:  # noqa: ARG001
    """Until it runs again; not where its machine or its reason calls nobody."""
    assert occasion.around.downtime_id is not None
    call_from_now_on(context, occasion.around.downtime_id)
