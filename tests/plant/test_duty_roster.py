"""The roster is typed, imported, handed on in two taps and ended; who is away says so, with a deputy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.events import SUBSCRIPTIONS, Subscription
from apps.core.models import LedgerEvent
from apps.plant.commands import (
    deactivate_person,
    end_absence,
    end_duty_entry,
    go_off_duty,
    go_on_duty,
    import_roster,
    report_absent,
    roster_duty,
    swap_duty,
)
from apps.plant.duty import colleagues_for, is_on_duty, on_duty
from apps.plant.events import PersonDeactivating
from apps.plant.models import Absence, DutyRosterEntry, Person, Presence
from tests.concurrency import at_once
from tests.world import World, give_role, ledger, make_holder, make_line, make_person, make_role, make_world, run

pytestmark = pytest.mark.django_db
SIX = datetime(2026, 6, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIXER = "maintenance_technician"


@pytest.fixture
def world() -> World:
    clock.move_to(SIX, rate=0)
    make_role(FIXER, "plant.own_duty")
    make_role("line_lead", "plant.own_duty", "plant.manage_roster")
    return make_world()


@pytest.fixture
def boss(world: World) -> Person:
    return make_holder("plant.manage_roster", "plant.own_duty", place=world.site, site=world.site)


def fixer(world: World, name: str) -> Person:
    person = make_person(name, site=world.site, badge=f"badge-{name}")
    give_role(person, FIXER, world.site)
    return person


def put(boss: Person, person: Person, world: World, start: float = 0, end: float = 8, **more: Any) -> int:
    inputs: dict[str, Any] = {"role": FIXER, "place": world.site.place, **more}
    times = {"starts_at": SIX + start * HOUR, "ends_at": SIX + end * HOUR}
    return int(run(roster_duty, boss, person_id=person.pk, **times, **inputs))


class TestTyping:
    def test_a_duty_puts_the_person_on_duty_and_tells_by_id(self, world: World, boss: Person) -> None:
        mia = fixer(world, "mia")
        put(boss, mia, world, phone="0815")
        assert [duty.person_id for duty in on_duty(FIXER, world.line.scope, SIX)] == [mia.pk]
        (event,) = ledger("plant.duty_rostered")
        assert (event.data["person_id"], event.data["place"]) == (mia.pk, world.site.place)
        assert "0815" not in str(list(LedgerEvent.objects.values_list("data", flat=True)))

    def test_a_lead_does_it_for_the_own_line_only(self, world: World) -> None:
        mia, lena = fixer(world, "mia"), world.lena
        put(lena, mia, world, place=world.line.place)
        for place in (world.site.place, make_line(world.area, "L4").place):
            with pytest.raises(CommandRefused, match="You may not"):
                put(lena, mia, world, place=place)
        with pytest.raises(CommandRefused, match="You may not"):
            put(mia, mia, world)

    @pytest.mark.parametrize(
        ("times", "said"), [((8, 8), "after the start"), ((9, 8), "after the start"), ((2, 4), "already in that time")]
    )
    def test_times_that_make_no_sense_are_refused(
        self, world: World, boss: Person, times: tuple[int, int], said: str
    ) -> None:
        mia = fixer(world, "mia")
        put(boss, mia, world)
        with pytest.raises(CommandRefused, match=said):
            put(boss, mia, world, *times)

    def test_the_same_person_may_have_it_for_two_lines_and_two_people_for_one(self, world: World, boss: Person) -> None:
        mia = fixer(world, "mia")
        for place in (world.site, world.area, world.line, make_line(world.area, "L4")):
            put(boss, mia, world, place=place.place)
        put(boss, fixer(world, "dev"), world)
        assert DutyRosterEntry.objects.count() == 5

    def test_who_can_not_have_it_is_refused_with_the_reason(self, world: World, boss: Person) -> None:
        with pytest.raises(CommandRefused, match=r"Olga does not hold the role .* assign the role first"):
            put(boss, world.olga, world)
        mia = fixer(world, "mia")
        run(report_absent, boss, person_id=mia.pk, starts_at=SIX + 3 * HOUR)
        with pytest.raises(CommandRefused, match="away in that time"):
            put(boss, mia, world)
        put(boss, mia, world, 0, 3)

    def test_an_entry_ends_now_and_one_to_come_never_begins(self, world: World, boss: Person) -> None:
        mia = fixer(world, "mia")
        running, coming = put(boss, mia, world), put(boss, mia, world, 8, 16)
        clock.move_to(SIX + HOUR, rate=0)
        for entry_id in (running, coming):
            run(end_duty_entry, boss, entry_id=entry_id)
            run(end_duty_entry, boss, entry_id=entry_id)
        with pytest.raises(CommandRefused, match="over"):
            run(swap_duty, boss, entry_id=coming, from_person_id=mia.pk, to_person_id=mia.pk)
        assert not is_on_duty(mia.pk, SIX + 2 * HOUR)
        assert not is_on_duty(mia.pk, SIX + 9 * HOUR)
        assert is_on_duty(mia.pk, SIX)
        assert len(ledger("plant.duty_entry_ended")) == 2


class TestSwapping:
    def test_is_done_by_who_has_it_who_takes_it_or_the_manager_and_by_nobody_else(
        self, world: World, boss: Person
    ) -> None:
        mia, dev, eva = (fixer(world, name) for name in ("mia", "dev", "eva"))
        entry = put(boss, mia, world, 8, 16, phone="0815")
        with pytest.raises(CommandRefused, match="You may not"):
            run(swap_duty, eva, entry_id=entry, from_person_id=mia.pk, to_person_id=dev.pk)
        for who, giver, taker in ((mia, mia, dev), (eva, dev, eva), (boss, eva, mia)):
            assert run(swap_duty, who, entry_id=entry, from_person_id=giver.pk, to_person_id=taker.pk) == entry
            assert [d.person_id for d in on_duty(FIXER, world.line.scope, SIX + 9 * HOUR)] == [taker.pk]
        assert DutyRosterEntry.objects.get().phone == "0815"
        assert [(e.data["old_person_id"], e.data["new_person_id"]) for e in ledger("plant.duty_swapped")] == [
            (mia.pk, dev.pk), (dev.pk, eva.pk), (eva.pk, mia.pk),
        ]  # fmt: skip

    def test_of_one_that_runs_leaves_what_is_over_with_who_had_it(self, world: World, boss: Person) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        entry = put(boss, mia, world)
        now = SIX + 2 * HOUR
        clock.move_to(now, rate=0)
        run(swap_duty, mia, entry_id=entry, from_person_id=mia.pk, to_person_id=dev.pk)
        scope = world.line.scope
        assert [d.person_id for d in on_duty(FIXER, scope, SIX + HOUR)] == [mia.pk]
        assert [(d.person_id, d.until) for d in on_duty(FIXER, scope, now)] == [(dev.pk, SIX + 8 * HOUR)]

    def test_with_somebody_who_can_not_is_refused_with_the_reason(self, world: World, boss: Person) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        entry = put(boss, mia, world)
        run(report_absent, dev)
        for taker, said in ((world.olga, "does not hold"), (dev, "is away")):
            with pytest.raises(CommandRefused, match=said):
                run(swap_duty, mia, entry_id=entry, from_person_id=mia.pk, to_person_id=taker.pk)
        assert colleagues_for(DutyRosterEntry.objects.get(), SIX) == []
        eva = fixer(world, "eva")
        assert colleagues_for(DutyRosterEntry.objects.get(), SIX) == [eva.pk]
        clock.move_to(SIX + 8 * HOUR, rate=0)
        with pytest.raises(CommandRefused, match="over"):
            run(swap_duty, mia, entry_id=entry, from_person_id=mia.pk, to_person_id=eva.pk)

    @pytest.mark.django_db(transaction=True)
    def test_two_who_take_the_same_duty_at_once_one_gets_it(self, world: World, boss: Person) -> None:
        mia, dev, eva = (fixer(world, name) for name in ("mia", "dev", "eva"))
        entry = put(boss, mia, world, 8, 16)

        def take(who: Person) -> None:
            run(swap_duty, who, entry_id=entry, from_person_id=mia.pk, to_person_id=who.pk)

        raised = at_once(lambda: take(dev), lambda: take(eva))
        (refused,) = [error for error in raised if error]
        assert isinstance(refused, CommandRefused)
        assert refused.code == "taken"
        assert len(ledger("plant.duty_swapped")) == 1


HEADING = "role;person;place;starts;ends;phone"


class TestImporting:
    def test_takes_names_badges_places_and_local_times_over_midnight_and_the_change_of_the_clocks(
        self, world: World, boss: Person
    ) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        lines = [
            HEADING,
            f"{FIXER};mia;;2026-10-24 22:00;2026-10-25 06:00;0815",
            f"{FIXER};badge-dev;A1;24.10.2026 22:00;25.10.2026 06:00",
            f"{FIXER};dev;L3;2026-06-02T06:00;2026-06-02T14:00;",
            "",
        ]
        done = run(import_roster, boss, site_id=world.site.pk, csv="\n".join(lines))
        assert (done.added, done.changed, done.unchanged) == (3, 0, 0)
        night = DutyRosterEntry.objects.get(person=mia)
        assert (night.starts_at, night.ends_at) == (
            datetime(2026, 10, 24, 20, tzinfo=UTC),
            datetime(2026, 10, 25, 5, tzinfo=UTC),
        )
        assert night.ends_at - night.starts_at == 9 * HOUR, "the night in which the clocks go back"
        assert {entry.place for entry in DutyRosterEntry.objects.filter(person=dev)} == {
            world.area.place,
            world.line.place,
        }

    def test_twice_changes_nothing_and_a_new_number_only_the_number(self, world: World, boss: Person) -> None:
        fixer(world, "mia")
        text = f"{HEADING}\n{FIXER};mia;S1;2026-06-02 06:00;2026-06-02 14:00;0815"
        run(import_roster, boss, site_id=world.site.pk, csv=text)
        events = LedgerEvent.objects.count()
        assert run(import_roster, boss, site_id=world.site.pk, csv=text).unchanged == 1
        assert LedgerEvent.objects.count() == events
        assert run(import_roster, boss, site_id=world.site.pk, csv=text.replace("0815", "4711")).changed == 1
        assert DutyRosterEntry.objects.get().phone == "4711"

    def test_is_all_or_nothing_and_names_each_line_that_is_wrong(self, world: World, boss: Person) -> None:
        fixer(world, "mia")
        lines = [
            "person,role,starts,ends,place",
            f"mia,{FIXER},2026-06-02 06:00,2026-06-02 14:00,",
            f"nobody,{FIXER},2026-06-02 06:00,2026-06-02 14:00,",
            "mia,king,2026-06-02 06:00,2026-06-02 14:00,",
            f"mia,{FIXER},2026-06-02 22:00,2026-06-02 06:00,",
            f"mia,{FIXER},tomorrow,2026-06-02 06:00,",
            f"mia,{FIXER},2026-06-02 06:00,2026-06-02 14:00,L77",
            f"olga,{FIXER},2026-06-02 06:00,2026-06-02 14:00,",
            f"mia,{FIXER},2026-06-02 07:00,2026-06-02 15:00,",
        ]
        with pytest.raises(CommandRefused) as refused:
            run(import_roster, boss, site_id=world.site.pk, csv="\n".join(lines))
        said = str(refused.value).splitlines()
        for number, word in enumerate(
            ("nobody", "king", "next day", "tomorrow", "L77", "does not hold", "already in that time"), start=3
        ):
            assert said[number - 3].startswith(f"Line {number}: ")
            assert word in said[number - 3]
        assert "Nothing was imported" in said[-1]
        assert not DutyRosterEntry.objects.exists()
        assert "mia" not in str(list(LedgerEvent.objects.values_list("data", flat=True)))

    @pytest.mark.parametrize(
        ("text", "said"), [("", "missing: role"), ("role;who", "missing: person"), (HEADING, "no line")]
    )
    def test_without_a_heading_or_a_line_says_what_is_missing(
        self, world: World, boss: Person, text: str, said: str
    ) -> None:
        with pytest.raises(CommandRefused, match=said):
            run(import_roster, boss, site_id=world.site.pk, csv=text)

    def test_is_for_who_may_change_the_places_it_names(self, world: World) -> None:
        fixer(world, "mia")
        text = f"{HEADING}\n{FIXER};mia;%s;2026-06-02 06:00;2026-06-02 14:00;"
        assert run(import_roster, world.lena, site_id=world.site.pk, csv=text % "L3").added == 1
        for who, place in ((world.lena, ""), (world.ivan, "L77"), (world.otto, "L3")):
            with pytest.raises(CommandRefused, match="You may not"):
                run(import_roster, who, site_id=world.site.pk, csv=text % place)


class TestBeingAway:
    def test_from_now_with_a_deputy_and_back(self, world: World, boss: Person) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        put(boss, mia, world)
        absence = run(report_absent, mia, deputy_id=dev.pk, ends_at=SIX + 72 * HOUR)
        assert [d.person_id for d in on_duty(FIXER, world.line.scope, SIX + HOUR)] == [dev.pk]
        (event,) = ledger("plant.absence_reported")
        assert (event.data["person_id"], event.data["deputy_id"]) == (mia.pk, dev.pk)
        clock.move_to(SIX + 2 * HOUR, rate=0)
        run(end_absence, mia, absence_id=absence)
        assert [d.person_id for d in on_duty(FIXER, world.line.scope, SIX + 3 * HOUR)] == [mia.pk]

    def test_ends_being_at_work(self, world: World) -> None:
        mia = fixer(world, "mia")
        run(go_on_duty, mia)
        run(report_absent, mia)
        assert Presence.objects.get().ended_at == SIX
        assert not is_on_duty(mia.pk, SIX)

    def test_is_said_of_another_by_who_manages_the_roster_there(self, world: World, boss: Person) -> None:
        run(report_absent, world.lena, person_id=world.olga.pk)
        run(end_absence, boss, absence_id=Absence.objects.get().pk)
        for who, whom in ((world.lena, world.otto), (fixer(world, "mia"), world.olga)):
            with pytest.raises(CommandRefused, match="You may not"):
                run(report_absent, who, person_id=whom.pk)

    def test_with_a_deputy_who_can_not_stand_in_is_refused(self, world: World, boss: Person) -> None:
        mia, dev, gone = fixer(world, "mia"), fixer(world, "dev"), fixer(world, "gone")
        Person.objects.get_queryset().filter(pk=gone.pk).update(is_active=False)
        run(report_absent, dev)
        for deputy, said in ((mia, "own deputy"), (dev, "is away"), (gone, "deactivated")):
            with pytest.raises(CommandRefused, match=said):
                run(report_absent, mia, deputy_id=deputy.pk)
        put(boss, mia, world)
        with pytest.raises(CommandRefused, match="does not hold the role"):
            run(report_absent, mia, deputy_id=world.olga.pk)
        run(report_absent, mia, deputy_id=world.olga.pk, starts_at=SIX + 8 * HOUR)

    @pytest.mark.parametrize("times", [(2, 1), (2, 2), (-4, -2)])
    def test_in_times_that_make_no_sense_is_refused(self, world: World, times: tuple[int, int]) -> None:
        with pytest.raises(CommandRefused, match="The end has to lie ahead"):
            run(report_absent, fixer(world, "mia"), starts_at=SIX + times[0] * HOUR, ends_at=SIX + times[1] * HOUR)

    def test_twice_at_once_is_refused(self, world: World) -> None:
        mia = fixer(world, "mia")
        run(report_absent, mia)
        with pytest.raises(CommandRefused, match="away in that time already"):
            run(report_absent, mia, starts_at=SIX + HOUR)


class TestByHand:
    def test_a_supervisor_goes_on_and_off_duty(self, world: World) -> None:
        run(go_on_duty, world.lena)
        run(go_on_duty, world.lena)
        assert is_on_duty(world.lena.pk, SIX)
        assert len(ledger("plant.presence_began")) == 1
        clock.move_to(SIX + HOUR, rate=0)
        run(go_off_duty, world.lena)
        assert not is_on_duty(world.lena.pk, SIX + HOUR)
        assert len(ledger("plant.went_off_duty")) == 1
        with pytest.raises(CommandRefused, match="not on duty"):
            run(go_off_duty, world.lena)

    def test_somebody_of_no_site_says_where(self, world: World) -> None:
        roving = make_holder("plant.own_duty")
        with pytest.raises(CommandRefused, match="no home site"):
            run(go_on_duty, roving)
        run(go_on_duty, roving, site_id=world.other_site.pk)
        assert Presence.objects.get().site == world.other_site

    def test_is_not_for_who_has_no_such_right(self, world: World) -> None:
        for act in (go_on_duty, go_off_duty, report_absent):
            with pytest.raises(CommandRefused, match="You may not"):
                run(act, world.otto)


def test_who_can_not_be_spared_is_not_deactivated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an app above would say it."""

    def veto(event: PersonDeactivating, context: Context) -> None:
        if event.subject_id == world.lena.pk:
            context.refuse("needed", "Choose another default owner first.")

    monkeypatch.setitem(SUBSCRIPTIONS, PersonDeactivating, [Subscription(veto, after_commit=False)])
    it = make_holder("plant.manage_people")
    with pytest.raises(CommandRefused, match="another default owner"):
        run(deactivate_person, it, person_id=world.lena.pk)
    run(deactivate_person, it, person_id=world.olga.pk)
    assert list(Person.objects.get_queryset().filter(is_active=False)) == [world.olga]
