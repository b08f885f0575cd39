"""Pictures as what a step was given: each was taken for the item itself, and stays once a step holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.workflows.definition import InputSpec, word
from apps.workflows.graph import CompiledEdge
from apps.workflows.kinds import Kind, Refusal
from apps.workflows.models import Photo, PhotoUse, WorkflowItem


def id_of(reference: str) -> int:
    """Of Photo.reference; 0 for what is none."""
    number = reference.partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


def not_of_item(
    kind: Kind, item: WorkflowItem, specs: Sequence[InputSpec], values: Mapping[str, Any]
) -> Refusal | None:
    """A picture that is not there, or was taken for something else. One query where there are pictures.

    They are locked, so that none goes while the step is taken.
    """
    wanted = {reference: spec for spec, reference in _given(specs, values)}
    if not wanted:
        return None
    rows = Photo.objects.filter(item_kind=kind.code, item_id=item.pk, pk__in=[id_of(reference) for reference in wanted])
    there = {photo.reference for photo in rows.select_for_update(of=("self",), no_key=True)}
    missing = next((spec for reference, spec in wanted.items() if reference not in there), None)
    if missing is None:
        return None
    sentence = _("%(label)s: this picture is not there any more. Take it again.")
    return Refusal("photo_gone", sentence % {"label": word(missing.labels, missing.name)}, "", {"input": missing.name})


def keep(edge: CompiledEdge, values: Mapping[str, Any], *, event_id: int | None) -> None:
    """Of pictures that not_of_item has seen."""
    PhotoUse.objects.bulk_create(
        PhotoUse(photo_id=id_of(reference), edge=edge.spec.code, name=spec.name, event_id=event_id)
        for spec, reference in _given(edge.spec.inputs, values)
    )


def _given(specs: Sequence[InputSpec], values: Mapping[str, Any]) -> Iterator[tuple[InputSpec, str]]:
    for spec in specs:
        if spec.type == "photo":
            for reference in values.get(spec.name) or ():
                yield spec, reference
