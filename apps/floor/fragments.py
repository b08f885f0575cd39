"""The live parts of the screens: the same for everybody who may see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from django.template.loader import render_to_string
from django.utils import timezone

from apps.andon.actions import VIEW_EXCEPTIONS
from apps.andon.kinds import EXCEPTION
from apps.andon.models import FloorException
from apps.andon.queries import OF_ONE, can_see, open_for
from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.live import fragment
from apps.core.prepared import Given, Prepared
from apps.core.rights import Action
from apps.equipment.actions import VIEW_MACHINES
from apps.erp_sync.queries import erp_topic
from apps.floor.actions import VIEW_BOARD, VIEW_STATION
from apps.floor.alerts import alerts_at_line
from apps.floor.boards import andon_look
from apps.floor.exceptions import seen
from apps.floor.losses_look import Period, losses_of, lost_at
from apps.floor.places import Located, lines_of, place_named, site_of, unit_known, units_known
from apps.floor.screens import board, buttons_at, buttons_at_all, station
from apps.floor.shift_look import blocked_look, lines_look, people_look, standing_look
from apps.floor.stops_look import Order, StopsLink, stops_look
from apps.floor.story import story
from apps.floor.to_sign import to_sign
from apps.floor.trail import erp_mark
from apps.orders.actions import VIEW_ORDERS
from apps.orders.kinds import JOB_ORDER
from apps.plant.actions import MANAGE_ROSTER
from apps.plant.models import Person, Site, WorkCenter, WorkUnit
from apps.plant.presence import TOPIC as DUTY
from apps.workflows.life.seen import buttons_topic
from apps.workflows.signatures import signatures_topic

# What depends on the time only (how long, how late) moves on this often.
TICK_SECONDS = 20
ERP_REST_SECONDS = 1
# One that is raised after a quiet moment is shown at once, further changes of a busy line this much later.
ALERTS_REST_SECONDS = 0.5
# It reads the whole shift of all stations of a line.
LOSSES_REST_SECONDS = 5
PLACE_REST_SECONDS = 1
BLOCKED_REST_SECONDS = 0.5


def _line(key: str) -> WorkCenter | None:
    return _LINE.first(pk=int(key)) if key.isdecimal() else None


def _unit(key: str) -> WorkUnit | None:
    return unit_known(int(key)) if key.isdecimal() else None


_LINE = Prepared(lambda: WorkCenter.objects.select_related("site", "area").filter(pk=Given("pk")))


def may_view_board(actor: Actor, key: str) -> bool:
    line = _line(key)
    return line is not None and rights.may(actor, VIEW_BOARD, line.scope)


def may_view_station(actor: Actor, key: str) -> bool:
    unit = _unit(key)
    return unit is not None and rights.may(actor, VIEW_STATION, unit.scope)


def board_topics(key: str) -> Collection[str]:
    return [f"line:{key}"]


def station_topics(key: str) -> Collection[str]:
    unit = _unit(key)
    return [f"line:{unit.work_center_id}"] if unit else []


@fragment("line-board", topics=board_topics, may_view=may_view_board, tick_seconds=TICK_SECONDS)
def line_board(key: str) -> str:
    (line,) = _LINE(pk=int(key))
    with timezone.override(line.site.zone):
        return render_to_string("floor/_board.html", {"board": board(line)})


@fragment(
    "line-alerts",
    topics=board_topics,
    may_view=may_view_board,
    tick_seconds=TICK_SECONDS,
    rest_seconds=ALERTS_REST_SECONDS,
)
def line_alerts(key: str) -> str:
    """Apart from the board: a path costs more than all the rest, and a booking changes none."""
    (line,) = _LINE(pk=int(key))
    with timezone.override(line.site.zone):
        return render_to_string("floor/_board_alerts.html", {"alerts": alerts_at_line(line, clock.now())})


@fragment(
    "line-lost",
    topics=board_topics,
    may_view=may_view_board,
    tick_seconds=TICK_SECONDS,
    rest_seconds=LOSSES_REST_SECONDS,
)
def line_lost(key: str) -> str:
    """Apart from the board: it reads the whole shift, and the board changes with each booking."""
    (line,) = _LINE(pk=int(key))
    return render_to_string("floor/_board_lost.html", {"lost": lost_at(line)})


def _losses(key: str) -> tuple[WorkCenter | None, str]:
    """The line and the period of "7.shift"."""
    line, _dot, period = key.partition(".")
    return (_line(line) if period in Period.values else None), period


def may_view_losses(actor: Actor, key: str) -> bool:
    line, _period = _losses(key)
    return line is not None and rights.may(actor, VIEW_BOARD, line.scope)


def losses_topics(key: str) -> Collection[str]:
    return board_topics(key.partition(".")[0])


@fragment(
    "losses",
    topics=losses_topics,
    may_view=may_view_losses,
    tick_seconds=TICK_SECONDS,
    rest_seconds=LOSSES_REST_SECONDS,
)
def losses_fragment(key: str) -> str:
    line, period = _losses(key)
    assert line is not None  # may_view_losses has seen it
    with timezone.override(line.site.zone):
        return render_to_string("floor/_losses.html", {"losses": losses_of(line, Period(period))})


@fragment("station", topics=station_topics, may_view=may_view_station, tick_seconds=TICK_SECONDS)
def station_fragment(key: str) -> str:
    unit = _unit(key)
    assert unit is not None  # may_view_station has seen it
    with timezone.override(unit.site.zone):
        return render_to_string("floor/_station.html", {"station": station(unit)})


def station_buttons_topics(_key: str) -> Collection[str]:
    return [buttons_topic(JOB_ORDER.code)]


def all_station_buttons(keys: Collection[str]) -> Mapping[str, str]:
    marks = buttons_at_all(units_known([int(key) for key in keys]))
    return {str(unit_id): _marked(mark) for unit_id, mark in marks.items()}


def _marked(buttons: str) -> str:
    return render_to_string("floor/_station_buttons.html", {"buttons": buttons})


# Apart from the station: by a stopped step, or another version, nothing of it looks different but the buttons.
@fragment("station-buttons", topics=station_buttons_topics, may_view=may_view_station, render_all=all_station_buttons)
def station_buttons(key: str) -> str:
    unit = _unit(key)
    assert unit is not None  # may_view_station has seen it
    return _marked(buttons_at(unit))


def station_erp_topics(key: str) -> Collection[str]:
    unit = _unit(key)
    return [f"line:{unit.work_center_id}", erp_topic(unit.site_id)] if unit else []


# Apart from the station: at a site, postings settle far more often than the mark of one station changes.
@fragment("station-erp", topics=station_erp_topics, may_view=may_view_station, rest_seconds=ERP_REST_SECONDS)
def station_erp(key: str) -> str:
    unit = WorkUnit.objects.get(pk=key)
    return render_to_string("floor/_erp_mark.html", {"mark": erp_mark(unit)})


def _key(key: str) -> int | None:
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else None


def may_view_exception(actor: Actor, key: str) -> bool:
    pk = _key(key)
    return pk is not None and can_see(actor, pk) is not None


def exception_topics(key: str) -> Collection[str]:
    return [f"exception:{key}", buttons_topic(EXCEPTION.code)]


@fragment("exception", topics=exception_topics, may_view=may_view_exception, tick_seconds=TICK_SECONDS)
def exception_fragment(key: str) -> str:
    exception = FloorException.objects.select_related(*OF_ONE).get(pk=int(key))
    with timezone.override(exception.site.zone):
        return render_to_string("floor/_exception.html", {"seen": seen(exception)})


def may_view_own(actor: Actor, key: str) -> bool:
    return actor.person_id is not None and actor.person_id == _key(key)


def topics_of_person(key: str) -> Collection[str]:
    """What somebody else answers changes the list of everybody who was called."""
    sites = Site.objects.visible_to(Actor(person_id=int(key)), VIEW_EXCEPTIONS)
    return [f"person:{key}", *(f"andon:{site.pk}" for site in sites)]


@fragment("mine", topics=topics_of_person, may_view=may_view_own, tick_seconds=TICK_SECONDS)
def mine_fragment(key: str) -> str:
    person = Person.objects.get_queryset().select_related("site").get(pk=int(key))
    with timezone.override(person.site.zone if person.site else None):
        return render_to_string("floor/_mine.html", {"mine": open_for(person.pk), "now": clock.now()})


def to_sign_topics(key: str) -> Collection[str]:
    sites = Site.objects.visible_to(Actor(person_id=int(key)), VIEW_STATION)
    return [signatures_topic(site.pk) for site in sites]


@fragment("to-sign", topics=to_sign_topics, may_view=may_view_own, rest_seconds=PLACE_REST_SECONDS)
def to_sign_fragment(key: str) -> str:
    return render_to_string("floor/_to_sign.html", {"to_sign": to_sign(int(key))})


def at_place(action: Action) -> Callable[[Actor, str], bool]:
    """For whoever holds `action` for the whole of the place."""

    def may_view(actor: Actor, key: str) -> bool:
        place = place_named(key)
        return place is not None and rights.may(actor, action, place.scope)

    return may_view


def andon_topics(key: str) -> Collection[str]:
    place = place_named(key)
    return [f"andon:{place.site_id}"] if place else []


def line_topics(key: str) -> Collection[str]:
    place = place_named(key)
    return [line.place for line in lines_of(place)] if place else []


def blocked_topics(key: str) -> Collection[str]:
    """Blockers come and go with operations; whose they are, and until when, with the exceptions."""
    return [*line_topics(key), *andon_topics(key)]


def people_topics(key: str) -> Collection[str]:
    return [*line_topics(key), DUTY]


def _drawn(key: str, template: str, name: str, look: Callable[[Located], object]) -> str:
    place = place_named(key)
    assert place is not None, "at_place has seen it"
    site = site_of(place)
    with timezone.override(site.zone):
        return render_to_string(template, {name: look(place), "site": site, "place": place})


@fragment("andon", topics=andon_topics, may_view=at_place(VIEW_EXCEPTIONS), tick_seconds=TICK_SECONDS)
def andon_fragment(key: str) -> str:
    return _drawn(key, "floor/_andon.html", "board", andon_look)


# Counts and people move far more often than anybody looks here; what calls for a person is not in these two.
@fragment(
    "lines",
    topics=line_topics,
    may_view=at_place(VIEW_BOARD),
    tick_seconds=TICK_SECONDS,
    rest_seconds=PLACE_REST_SECONDS,
)
def lines_fragment(key: str) -> str:
    return _drawn(key, "floor/_lines.html", "lines", lines_look)


@fragment("people", topics=people_topics, may_view=at_place(MANAGE_ROSTER), rest_seconds=PLACE_REST_SECONDS)
def people_fragment(key: str) -> str:
    return _drawn(key, "floor/_place_people.html", "people", people_look)


@fragment("standing", topics=line_topics, may_view=at_place(VIEW_MACHINES), tick_seconds=TICK_SECONDS)
def standing_fragment(key: str) -> str:
    return _drawn(key, "floor/_place_standing.html", "machines", standing_look)


@fragment("blocked", topics=blocked_topics, may_view=at_place(VIEW_ORDERS), rest_seconds=BLOCKED_REST_SECONDS)
def blocked_fragment(key: str) -> str:
    return _drawn(key, "floor/_place_blocked.html", "blocked", blocked_look)


def may_view_stops(actor: Actor, key: str) -> bool:
    place = place_named(stops_of(key)[0])
    return place is not None and rights.may(actor, VIEW_MACHINES, place.scope)


def stops_topics(key: str) -> Collection[str]:
    place = place_named(stops_of(key)[0])
    return [f"stops:{place.site_id}"] if place else []


def stops_key(place: Located, order: Order) -> str:
    return f"{place.place},{order.value}"


def stops_of(key: str) -> tuple[str, Order]:
    name, _separator, order = key.partition(",")
    return name, Order.of(order)


@fragment("stops", topics=stops_topics, may_view=may_view_stops, tick_seconds=TICK_SECONDS)
def stops_fragment(key: str) -> str:
    name, order = stops_of(key)
    place = place_named(name)
    assert place is not None  # may_view_stops has seen it
    site = place if isinstance(place, Site) else place.site
    with timezone.override(site.zone):
        return render_to_string("floor/_stops_list.html", {"stops": stops_look(place, order)})


@fragment("stops-link", topics=stops_topics, may_view=may_view_stops)
def stops_link(key: str) -> str:
    """How many wait at a place, for the screens on which a lead looks first."""
    place = place_named(key)
    assert place is not None  # may_view_stops has seen it
    return render_to_string("floor/_stops_link.html", {"link": StopsLink.at(place)})


@fragment("exception-story", topics=exception_topics, may_view=may_view_exception)
def story_fragment(key: str) -> str:
    exception = FloorException.objects.select_related("site").get(pk=int(key))
    with timezone.override(exception.site.zone):
        return render_to_string("floor/_story.html", {"story": story(exception)})
