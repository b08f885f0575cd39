"""Places that a board can be about, as they stand in a scope: "site:1", "area:2", "line:7"."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from apps.core import rights
from apps.core.actors import Actor
from apps.core.prepared import Given, Prepared
from apps.core.rights import Action
from apps.plant.models import Area, Site, WorkCenter, WorkUnit

Located = Site | Area | WorkCenter


def place_named(name: str) -> Located | None:
    """None for what is no place, or does not exist."""
    kind, _separator, key = name.partition(":")
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        return None
    match kind:
        case "site":
            return Site.objects.filter(pk=int(key)).first()
        case "area":
            return Area.objects.select_related("site").filter(pk=int(key)).first()
        case "line":
            return WorkCenter.objects.select_related("site", "area").filter(pk=int(key)).first()
    return None


def unit_known(pk: int) -> WorkUnit | None:
    """A station with its line, area and site."""
    return _KNOWN.first(pk=pk)


def units_known(pks: Collection[int]) -> list[WorkUnit]:
    return _ALL_KNOWN(pks=list(pks))


def unit_named(site: str, code: str) -> WorkUnit | None:
    return _NAMED.first(site=site, code=code)


_UNITS = WorkUnit.objects.select_related("site", "work_center__site", "work_center__area")
_KNOWN = Prepared(lambda: _UNITS.filter(pk=Given("pk")))
_ALL_KNOWN = Prepared(lambda: _UNITS.filter(pk__any=Given("pks")))
_NAMED = Prepared(lambda: _UNITS.filter(site__code=Given("site"), code=Given("code")))


def places_at(site: Site, actor: Actor, action: Action) -> list[Located]:
    """The site, its areas and its lines, as far as the actor holds `action` for the whole of each. Three queries."""
    held = rights.places(actor, action)
    areas, lines = site.areas.order_by("code"), site.work_centers.select_related("area").order_by("code")
    return [place for place in (site, *areas, *lines) if held & place.scope]


def widest(places: Sequence[Located]) -> list[Located]:
    """Those that lie in no other of them."""
    names = {place.place for place in places}
    return [place for place in places if not (place.scope - {place.place}) & names]


def site_of(place: Located) -> Site:
    return place if isinstance(place, Site) else place.site


def lines_of(place: Located) -> list[WorkCenter]:
    """In the order of their codes; a line is its own."""
    rows = WorkCenter.objects.select_related("site", "area").order_by("code")
    return list(rows.filter(pk=place.pk) if isinstance(place, WorkCenter) else rows.filter(**{column_of(place): place}))


def column_of(place: Located) -> str:
    """Of rows that stand at a site, an area and a line."""
    return _COLUMN[type(place)]


_COLUMN: dict[type, str] = {Site: "site", Area: "area", WorkCenter: "work_center"}
