"""Definition <-> rows."""

from __future__ import annotations

from collections.abc import Iterable

from apps.workflows.definition import Definition, EdgeSpec, StateSpec
from apps.workflows.models.versions import Edge, State, Version

_SHARED = (
    "code", "labels", "roles", "skills", "conditions", "expression", "expression_sentence", "inputs",
    "reason_required", "reason_purpose", "presentation", "effects", "signature", "at_most",
    "partner_suffices",
)  # fmt: skip


def to_definition(version: Version) -> Definition:
    """Two queries, and one for the workflow when it is not loaded."""
    states = list(version.states.order_by("position"))
    names = {state.pk: state.code for state in states}
    edges: dict[int, EdgeSpec] = {}
    for row in version.edges.order_by("position", "source__position"):
        known = edges.get(row.position)
        if known:
            known.sources.append(names[row.source_id])
            continue
        edges[row.position] = EdgeSpec(
            sources=[names[row.source_id]],
            target=names[row.target_id],
            **{name: getattr(row, name) for name in _SHARED},
        )
    return Definition(
        kind=version.workflow.kind,
        code=version.workflow.code,
        name=version.workflow.name,
        states=[
            StateSpec.model_validate({name: getattr(row, name) for name in StateSpec.model_fields}) for row in states
        ],
        edges=list(edges.values()),
        applies_to=version.applies_to,
    )


def replace_rows(version: Version, definition: Definition) -> None:
    """Writes states and edges anew, not the version itself; the references must be whole (`dangling`)."""
    version.applies_to = [where.model_dump(mode="json") for where in definition.applies_to]
    version.edges.all().delete()
    version.states.all().delete()
    states = State.objects.bulk_create(
        State(version=version, position=position, **state.model_dump(mode="json"))
        for position, state in enumerate(definition.states)
    )
    by_code = {state.code: state for state in states}
    Edge.objects.bulk_create(_edge_rows(version, definition, by_code))


def _edge_rows(version: Version, definition: Definition, states: dict[str, State]) -> Iterable[Edge]:
    for position, spec in enumerate(definition.edges):
        shared = spec.model_dump(mode="json", include=set(_SHARED))
        for source in spec.sources:
            yield Edge(version=version, position=position, source=states[source], target=states[spec.target], **shared)


def dangling(definition: Definition) -> list[str]:
    """What rows can't hold: names used twice, edges to states that are not there. In words."""
    codes = [state.code for state in definition.states]
    problems = [f"state {code} is there twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
    ways: set[tuple[str, str]] = set()
    for edge in definition.edges:
        unknown = sorted({*edge.sources, edge.target} - set(codes))
        problems += [f"edge {edge.code}: state {code} is not there" for code in unknown]
        for source in edge.sources:
            if (edge.code, source) in ways:
                problems.append(f"edge {edge.code} leaves state {source} twice")
            ways.add((edge.code, source))
    return problems
