"""What a token may be given: "items:read", "items:write", ...; and which acts each opens in the product."""

from __future__ import annotations

from collections.abc import Iterable

# Resource -> (act that reads it, act that writes it, whether its rows lie at one site).
RESOURCES: dict[str, tuple[str, str, bool]] = {
    "units": ("materials.view", "materials.manage", False),
    "items": ("materials.view", "materials.manage", False),
    "boms": ("materials.view", "materials.manage", False),
    "lots": ("materials.view", "materials.manage", False),
    "locations": ("materials.view", "materials.manage", True),
    "stock": ("materials.view", "materials.manage", True),
    "work-centers": ("plant.view_plant", "plant.manage_plant", True),
    "routings": ("orders.view", "orders.manage", True),
    "work-orders": ("orders.view", "orders.manage", True),
    "commit-dates": ("orders.view", "orders.manage", True),
    "signals": ("equipment.view", "equipment.send_signals", True),
    "blocked": ("orders.view", "orders.manage", True),
    "oee": ("equipment.view", "equipment.manage", True),
    "downtimes": ("equipment.view", "equipment.manage", True),
}
READ, WRITE = "read", "write"
SCOPES = frozenset(f"{resource}:{verb}" for resource in RESOURCES for verb in (READ, WRITE))


def actions_of(scopes: Iterable[str]) -> frozenset[str]:
    known = [(RESOURCES[name], verb) for name, verb in map(_parts, scopes) if name in RESOURCES]
    return frozenset(writes if verb == WRITE else reads for (reads, writes, _per_site), verb in known)


def of_all_sites(scopes: Iterable[str]) -> list[str]:
    """Those that write what all sites share."""
    return sorted(s for s in scopes if s in SCOPES and s.endswith(f":{WRITE}") and not RESOURCES[_parts(s)[0]][2])


def _parts(scope: str) -> tuple[str, str]:
    name, _separator, verb = scope.partition(":")
    return name, verb
