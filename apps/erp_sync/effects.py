"""What a step of a workflow or a rule can tell the ERP."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from apps.core.commands import Context
from apps.erp_sync.models import PostingKind
from apps.erp_sync.projection import Projection
from apps.orders.models import WorkOrder
from apps.workflows.definition import Texts, word
from apps.workflows.effects import EffectParameters, Occasion, effect, parameter


class NoteParameters(EffectParameters):
    say: Texts = parameter(gettext_lazy("what to say"))


@effect("post_to_erp", gettext_lazy("Write a note on the order in the ERP"), NoteParameters, needs={"work_order_id"})
def post_to_erp(context: Context, occasion: Occasion, parameters: NoteParameters) -> None:
    """In the plant's language, with the step or rule and the time of the site.

    An order that the ERP does not know gets none, and what follows a note gets none either: it would never end.
    """
    if occasion.subject_kind == "posting" and occasion.data.get("posting") == PostingKind.NOTE:
        return
    order = WorkOrder.objects.select_related("site", "item").get(pk=occasion.around.work_order_id or 0)
    projection = Projection.for_order(context, order)
    if projection is None:
        return
    around = occasion.around
    with translation.override(settings.LANGUAGE_CODE):
        at = date_format(context.occurred_at.astimezone(order.site.zone), "SHORT_DATETIME_FORMAT")
        about = " ".join(part for part in (around.line, around.station, around.operation) if part)
        text = f"{word(parameters.say)} ({occasion.because})\n{at} {about}".strip()
    projection.note(occasion.event_id, occasion.source, text)
