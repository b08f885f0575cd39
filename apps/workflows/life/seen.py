"""What the buttons of an item hang on besides the item itself, for the part of a screen that all see alike."""

from __future__ import annotations

from django.db.models import Count

from apps.core import clock
from apps.workflows.judgement import stops_of
from apps.workflows.kinds import kind_of
from apps.workflows.models import SignedStep, WorkflowItem


def buttons_topic(kind: str) -> str:
    """What a screen with buttons of this kind of item depends on, besides the item's own topics."""
    return f"workflow:{kind}"


def buttons_mark(item: WorkflowItem) -> str:
    """Another text as soon as the item goes on by another version, a step is stopped or resumed, one is signed, or
    somebody begins or ends to work together on it; one query, and one each where it can be signed or taken together.

    A screen that shows it, and hears of the item and of `buttons_topic`, fetches its buttons anew then.
    """
    version = item.workflow_version
    stops = stops_of(version.workflow_id)
    return ".".join(
        str(part) for part in [version.pk, *(stop.pk for stop in stops), *_signatures(item), *_partners(item)]
    )


def _signatures(item: WorkflowItem) -> list[str]:
    if not any(edge.spec.signature for edge in item.graph.exits.get(item.state, ())):
        return []
    begun = SignedStep.objects.open().filter(item_kind=kind_of(type(item)).code, item_id=item.pk).order_by("pk")
    return [f"{pk}s{signatures}" for pk, signatures in begun.values_list("pk", Count("signatures"))]


def _partners(item: WorkflowItem) -> list[str]:
    kind = kind_of(type(item))
    if kind.partners is None or not any(edge.spec.partner_suffices for edge in item.graph.exits.get(item.state, ())):
        return []
    return [f"{pk}p" for pk in sorted(kind.partners(item, clock.now()))]
