"""A plant where exceptions have owners: the seeded roles and policies, a calendar, and people who are on duty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.andon.causes import Cause
from apps.andon.commands import call_for_help
from apps.andon.models import FloorException, Timer
from apps.andon.raising import end_causes, raise_exceptions
from apps.andon.tasks import fire_timers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.plant.commands import roster_duty
from apps.plant.models import Person
from tests.seeded import seed_plant
from tests.world import World, give_role, make_calendar, make_person, make_world, run

SYSTEM = Actor.system("tests")
TERMINAL = Actor(terminal_id=1)
# A Tuesday, in the early shift of a site in Berlin.
MORNING = datetime(2026, 11, 24, 9, 45, tzinfo=UTC)


@command("tests.raise")
def raise_it(
    context: Context,
    *,
    type_code: str,
    key: str,
    site_id: int,
    line_id: int | None,
    unit_id: int | None = None,
    kind: str = "test",
) -> int:
    context.allow_anyone()
    cause = Cause(type=type_code, kind=kind, key=key, site_id=site_id, work_center_id=line_id, work_unit_id=unit_id)
    return raise_exceptions(context, [cause])[cause.name]


@command("tests.end_cause")
def end_it(context: Context, *, key: str, site_id: int, kind: str = "test") -> None:
    context.allow_anyone()
    end_causes(context, site_id=site_id, kind=kind, keys=[key])


@dataclass
class Floor:
    """mia maintenance, marta her lead, sven supervisor, paul plant manager; all but paul are on duty all day."""

    world: World
    mia: Person
    marta: Person
    sven: Person
    paul: Person

    def stop(self, key: str = "T34", *, type_code: str = "downtime") -> FloorException:
        """Something is the matter on line L3."""
        line = self.world.line
        exception_id = run(raise_it, SYSTEM, type_code=type_code, key=key, site_id=line.site_id, line_id=line.pk)
        return FloorException.objects.get(pk=exception_id)

    def end(self, key: str = "T34") -> None:
        run(end_it, SYSTEM, key=key, site_id=self.world.site.pk)

    def help(self, actor: Actor | Person = TERMINAL) -> FloorException:
        answer = run(call_for_help, actor, work_unit_id=self.world.station.pk)
        return FloorException.objects.get(pk=answer.exception_id)

    def member(self, username: str, role: str) -> Person:
        person = make_person(username, site=self.world.site, badge=f"badge-{username}")
        give_role(person, role, self.world.site)
        return person

    def roster(self, person: Person, role: str, start: datetime, end: datetime) -> int:
        entry: int = run(
            roster_duty,
            SYSTEM,
            person_id=person.pk,
            role=role,
            place=self.world.site.place,
            starts_at=start,
            ends_at=end,
        )
        return entry


def make_floor(at: datetime = MORNING) -> Floor:
    seed_plant()
    clock.move_to(at, rate=0)
    world = make_world()
    make_calendar(world.site)
    floor = Floor(world, *[None] * 4)  # type: ignore[arg-type]
    floor.mia = floor.member("mia", "maintenance_technician")
    floor.marta = floor.member("marta", "maintenance_lead")
    floor.sven = floor.member("sven", "shift_supervisor")
    floor.paul = floor.member("paul", "plant_manager")
    start, end = at.replace(hour=4, minute=0), at.replace(hour=20, minute=0)
    floor.roster(floor.mia, "maintenance_technician", start, end)
    floor.roster(floor.marta, "maintenance_lead", start, end)
    floor.roster(floor.sven, "shift_supervisor", start, end)
    return floor


def later(**how_long: float) -> None:
    """Moves the clock and fires what is due by then."""
    clock.move_to(clock.now() + timedelta(**how_long), rate=0)
    fire_all()


def fire_all() -> int:
    fired = 0
    while n := fire_timers.run():
        fired += n
    return fired


def waiting(exception: FloorException) -> list[tuple[str, int]]:
    """Timers of the present round that have not fired, the next first."""
    rows = Timer.objects.waiting().filter(exception=exception, round=fresh(exception).round)
    return [(timer.kind, timer.step) for timer in rows.order_by("due_at", "pk")]


def fresh(exception: FloorException) -> FloorException:
    return FloorException.objects.get(pk=exception.pk)


def told(exception: FloorException) -> list[tuple[str, str]]:
    """Who was told, and why, in order."""
    rows: Any = exception.notifications.order_by("pk").values_list("person__username", "occasion")
    return list(rows)
