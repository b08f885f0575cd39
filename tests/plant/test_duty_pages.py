"""The roster, absences and presences on the pages of who answers for them; times as on the clock of the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.core import clock
from apps.plant.commands import go_on_duty, report_absent
from apps.plant.models import Absence, DutyRosterEntry, Person, PersonSkill, Presence
from tests.plant.desk import at_desk, page, values_of, with_right
from tests.world import World, give_role, give_skill, ledger, make_holder, make_person, make_role, make_world, run

pytestmark = pytest.mark.django_db
SIX = datetime(2026, 6, 1, 6, tzinfo=UTC)
FIXER = "maintenance_technician"
NIGHT = {"starts_0": "2026-06-01", "starts_1": "22:00", "ends_0": "2026-06-02", "ends_1": "06:00"}


@pytest.fixture
def world() -> World:
    clock.move_to(SIX, rate=0)
    return make_world()


def fixer(world: World, name: str) -> Person:
    person = make_person(name, site=world.site)
    give_role(person, FIXER, world.site)
    return person


def put(world: World, person: Person) -> DutyRosterEntry:
    role = make_role(FIXER)
    times = {"starts_at": SIX, "ends_at": SIX + timedelta(hours=8)}
    return DutyRosterEntry.objects.create(role=role, site=world.site, person=person, phone="0815", **times)


def test_a_duty_is_typed_in_local_time(world: World) -> None:
    mia = fixer(world, "mia")
    client = with_right("plant.manage_roster", place=world.site)
    assert client.get(page(DutyRosterEntry, "add")).status_code == 200
    sent = {"role": make_role(FIXER).pk, "site": world.site.pk, "work_center": world.line.pk, "person": mia.pk, **NIGHT}
    assert client.post(page(DutyRosterEntry, "add"), {**sent, "phone": "0815"}).status_code == 302
    entry = DutyRosterEntry.objects.get()
    assert entry.place == world.line.place
    assert (entry.starts_at, entry.ends_at) == (
        datetime(2026, 6, 1, 20, tzinfo=UTC),
        datetime(2026, 6, 2, 4, tzinfo=UTC),
    )
    shown = client.get(page(DutyRosterEntry)).content.decode()
    assert "22:00" in shown
    assert "0815" in shown


def test_a_duty_is_handed_on_by_choosing_who_could_have_it(world: World) -> None:
    mia, dev = fixer(world, "mia"), fixer(world, "dev")
    entry = put(world, mia)
    client = with_right("plant.manage_roster", place=world.site)
    opened = client.get(page(DutyRosterEntry, "change", entry.pk))
    offered = opened.context["adminform"].form.fields["person"].queryset
    assert set(offered) == {mia, dev}
    sent = values_of(opened) | {"person": dev.pk}
    assert client.post(page(DutyRosterEntry, "change", entry.pk), sent).status_code == 302
    assert DutyRosterEntry.objects.get().person == dev
    assert len(ledger("plant.duty_swapped")) == 1
    late = client.post(page(DutyRosterEntry, "change", entry.pk), sent, follow=True)
    assert len(ledger("plant.duty_swapped")) == 1
    assert "Somebody else has this duty meanwhile" in late.content.decode()


def test_the_roster_is_read_by_who_has_duties_and_not_changed(world: World) -> None:
    entry = put(world, fixer(world, "mia"))
    client = with_right("plant.own_duty", place=world.site)
    assert "0815" in client.get(page(DutyRosterEntry)).content.decode()
    assert client.get(page(DutyRosterEntry, "change", entry.pk)).status_code == 200
    assert client.get(page(DutyRosterEntry, "add")).status_code == 403
    assert client.get(page(DutyRosterEntry, "import_csv")).status_code == 403
    elsewhere = with_right("plant.manage_roster", place=world.other_site)
    assert "0815" not in elsewhere.get(page(DutyRosterEntry)).content.decode()
    assert elsewhere.get(page(Absence)).status_code == 200


def test_a_file_is_imported_and_what_is_wrong_is_said_line_by_line(world: World) -> None:
    fixer(world, "mia")
    client = with_right("plant.manage_roster", place=world.site)
    address = page(DutyRosterEntry, "import_csv")
    assert client.get(address).status_code == 200
    text = f"role;person;place;starts;ends;phone\n{FIXER};mia;;2026-06-01 22:00;2026-06-02 06:00;0815"
    wrong = client.post(address, {"site": world.site.pk, "csv": text.replace("mia", "nobody")}).content.decode()
    assert "Line 2: nobody has the user name or badge nobody" in wrong
    assert FIXER in wrong, "what was typed is still there"
    file = SimpleUploadedFile("roster.csv", text.encode("utf-8-sig"))
    done = client.post(address, {"site": world.site.pk, "file": file}, follow=True)
    assert "Added: 1" in done.content.decode()
    assert DutyRosterEntry.objects.get().starts_at == datetime(2026, 6, 1, 20, tzinfo=UTC)


def test_a_duty_ends_and_a_person_is_back_from_the_list(world: World) -> None:
    mia = fixer(world, "mia")
    entry, boss = put(world, mia), make_holder("plant.manage_roster", place=world.site)
    clock.move_to(SIX + timedelta(hours=1), rate=0)
    client = at_desk(boss)
    client.post(page(DutyRosterEntry), {"action": "end_now", "_selected_action": [entry.pk]})
    entry.refresh_from_db()
    assert entry.ends_at == SIX + timedelta(hours=1)
    run(report_absent, boss, person_id=mia.pk)
    away = Absence.objects.get()
    client.post(page(Absence), {"action": "end_now", "_selected_action": [away.pk]})
    away.refresh_from_db()
    assert away.ends_at == SIX + timedelta(hours=1)
    assert client.get(page(Absence, "change", away.pk)).status_code == 200


def test_a_lead_says_who_of_the_own_line_is_away(world: World) -> None:
    make_role("line_lead", "plant.manage_roster")
    client = at_desk(world.lena)
    opened = client.get(page(Absence, "add"))
    people = opened.context["adminform"].form.fields["person"].queryset
    assert set(people) == {world.olga, world.lena}
    sent = {"person": world.olga.pk, "starts_0": "", "starts_1": "", "ends_0": "2026-06-03", "ends_1": "06:00"}
    assert client.post(page(Absence, "add"), sent).status_code == 302
    away = Absence.objects.get()
    assert (away.starts_at, away.ends_at) == (SIX, datetime(2026, 6, 3, 4, tzinfo=UTC))
    assert str(world.olga) in client.get(page(Absence)).content.decode()


def test_presences_are_read_by_who_answers_for_the_place_and_typed_by_nobody(world: World) -> None:
    mia = fixer(world, "mia")
    make_role(FIXER, "plant.own_duty")
    run(go_on_duty, mia)
    client = with_right("plant.manage_roster", place=world.site)
    assert str(mia) in client.get(page(Presence)).content.decode()
    assert client.get(page(Presence, "change", Presence.objects.get().pk)).status_code == 200
    assert client.get(page(Presence, "add")).status_code == 403
    elsewhere = with_right("plant.manage_roster", place=world.other_site)
    assert str(mia) not in elsewhere.get(page(Presence)).content.decode()


def test_a_qualification_that_is_cut_short_is_told_and_one_that_is_held_otherwise_is_not(world: World) -> None:
    held = give_skill(world.olga, "welding")
    client = with_right("plant.manage_people")
    sent = values_of(client.get(page(PersonSkill, "change", held.pk)))
    client.post(page(PersonSkill, "change", held.pk), sent | {"valid_until": "2027-01-01"})
    assert ledger("plant.qualification_lost") == []
    client.post(page(PersonSkill, "change", held.pk), sent | {"valid_until": "2026-05-31"})
    (event,) = ledger("plant.qualification_lost")
    assert (event.data["person_id"], event.data["skill"]) == (world.olga.pk, "welding")
    assert held.history.first().history_user_id is not None
    client.post(page(PersonSkill, "change", held.pk), sent | {"valid_until": "2026-05-30"})
    assert len(ledger("plant.qualification_lost")) == 1
