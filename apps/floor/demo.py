"""Puts the demo plant of fixtures/demo/plant.json into an empty database, by the same commands that people use."""

from __future__ import annotations

import json
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from apps.andon.owners import rules_of
from apps.core import clock
from apps.core.actors import Actor
from apps.materials.commands import (
    ItemRow,
    LocationRow,
    SnapshotRow,
    UnitRow,
    ensure_lot,
    set_stock_snapshot,
    upsert_items,
    upsert_locations,
    upsert_units,
)
from apps.materials.commands.erp_rows import Outcome
from apps.materials.models import Item
from apps.orders.commands import Need, Operation, StepSpec, draft_master, publish_master, release_work_order
from apps.plant.commands import assign_role, create_person, import_roster, set_password, set_pin
from apps.plant.models import Area, Person, ShiftPattern, Site, WorkCalendar, WorkCenter, WorkUnit
from apps.plant.shifts_calendar import shift_at
from apps.shifts.commands import set_target

ACTOR = Actor.system("demo")

# How many days have somebody for each duty, today the first: a whole week from any hour of today on.
ROSTER_DAYS = 8


def load(file: Path) -> str:
    """One line that says what was made."""
    plant: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    site = Site.objects.create(**plant["site"])
    for area in plant["areas"]:
        _area(site, area)
    _calendar(site, plant["shifts"])
    for person in plant["people"]:
        _person(site, person)
    _roster(site, plant["duties"])
    _last_resort(site, plant["default_owner"])
    _materials(site, plant["units"], plant["items"])
    _stock(site, plant["racks"], plant["stock"])
    _targets(site, plant["areas"])
    for master in plant["standard_work"]:
        _standard_work(master)
    for order in plant["orders"]:
        _order(site, order)
    return f"{site.name}: {len(plant['people'])} people, {len(plant['orders'])} orders"


def _last_resort(site: Site, username: str) -> None:
    """Who owns what nobody on duty can own."""
    rules = rules_of(site)
    rules.default_owner = Person.objects.get(username=username)
    rules.full_clean()
    rules.save()


def _area(site: Site, given: dict[str, Any]) -> None:
    area = Area.objects.create(site=site, code=given["code"], name=given["name"])
    for line in given["lines"]:
        center = WorkCenter.objects.create(area=area, code=line["code"], name=line["name"], kind=line["kind"])
        for position, station in enumerate(line["stations"], start=1):
            unit = WorkUnit.objects.create(work_center=center, position=position, **station)
            if unit.code == line.get("counts_at", unit.code):
                center.counting_unit = unit
        center.save()


def _calendar(site: Site, shifts: list[dict[str, Any]]) -> None:
    calendar = WorkCalendar.objects.create(site=site, name="Three shifts", is_default=True)
    for shift in shifts:
        times = {name: time.fromisoformat(shift[name]) for name in ("starts_at", "ends_at")}
        ShiftPattern.objects.create(calendar=calendar, **{**shift, **times})


def _person(site: Site, given: dict[str, Any]) -> None:
    person_id = create_person(
        actor=ACTOR,
        command_id=uuid4(),
        username=given["username"],
        name=given["name"],
        badge=given.get("badge", ""),
        site_id=site.pk,
        is_staff="password" in given,
    )
    if "pin" in given:
        set_pin(actor=ACTOR, command_id=uuid4(), person_id=person_id, pin=SecretStr(given["pin"]))
    if "password" in given:
        set_password(actor=ACTOR, command_id=uuid4(), person_id=person_id, password=SecretStr(given["password"]))
    for role, place in given["roles"]:
        assign_role(actor=ACTOR, command_id=uuid4(), person_id=person_id, role=role, place=_place(site, place))


def _place(site: Site, code: str) -> str:
    if code == "everywhere":
        return code
    return site.place if code == site.code else WorkCenter.objects.get(site=site, code=code).place


def _roster(site: Site, duties: list[dict[str, str]]) -> None:
    """The same duties each day, from yesterday on: the night before the demo began is somebody's as well."""
    today, day = clock.now().astimezone(site.zone).date(), timedelta(days=1)
    lines = ["role;person;place;starts;ends;phone"]
    for first in (today + offset * day for offset in range(-1, ROSTER_DAYS)):
        for duty in duties:
            last = first if duty["ends"] > duty["starts"] else first + day
            times = f"{first} {duty['starts']};{last} {duty['ends']}"
            lines.append(f"{duty['role']};{duty['person']};{duty['place']};{times};{duty['phone']}")
    import_roster(actor=ACTOR, command_id=uuid4(), site_id=site.pk, csv="\n".join(lines))


def _materials(site: Site, units: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    upsert_units(
        actor=ACTOR,
        command_id=uuid4(),
        rows=[UnitRow(**{**unit, "factor": Decimal(unit["factor"])}) for unit in units],
    )
    rows = [ItemRow(unit=units[0]["code"], **{k: v for k, v in item.items() if k != "lots"}) for item in items]
    upsert_items(actor=ACTOR, command_id=uuid4(), rows=rows)
    for item in items:
        for number in item.get("lots", []):
            item_id = Item.objects.get(code=item["code"]).pk
            ensure_lot(actor=ACTOR, command_id=uuid4(), item_id=item_id, number=number, site_id=site.pk)


def _stock(site: Site, racks: list[dict[str, Any]], stock: list[list[str]]) -> None:
    upsert_locations(actor=ACTOR, command_id=uuid4(), site_id=site.pk, rows=[LocationRow(**rack) for rack in racks])
    rows = [
        SnapshotRow(item=item, lot=lot, location=rack, quantity=Decimal(quantity), unit="pcs")
        for item, lot, rack, quantity in stock
    ]
    report = set_stock_snapshot(actor=ACTOR, command_id=uuid4(), site_id=site.pk, as_of=clock.now(), rows=rows)
    if rejected := [row.sentence for row in report.rows if row.outcome == Outcome.REJECTED]:
        raise ValueError(f"stock of the demo plant: {rejected}")


def _targets(site: Site, areas: list[dict[str, Any]]) -> None:
    """For the shift that runs while the demo is made, where the file names one."""
    for given in (line for area in areas for line in area["lines"] if "target" in line):
        line = WorkCenter.objects.get(site=site, code=given["code"])
        shift = shift_at(line, clock.now())
        if shift is not None:
            set_target(
                actor=ACTOR,
                command_id=uuid4(),
                work_center_id=line.pk,
                shift_date=shift.shift_date,
                shift_code=shift.code,
                quantity=Decimal(given["target"]),
                reason="Demo",
            )


def _standard_work(given: dict[str, Any]) -> None:
    """Drafted and published; numbers in the file are texts, so that none is rounded."""
    steps = [_step(step) for step in given["steps"]]
    master_id = draft_master(
        actor=ACTOR,
        command_id=uuid4(),
        item_id=Item.objects.get(code=given["item"]).pk,
        operation_name=given["operation"],
        steps=steps,
    )
    publish_master(actor=ACTOR, command_id=uuid4(), master_id=master_id)


def _step(given: dict[str, Any]) -> StepSpec:
    limits: dict[str, Any] = {name: Decimal(given[name]) for name in ("low", "high", "aim") if name in given}
    details: dict[str, Any] = {**given, **limits}
    return StepSpec(**details)


def _order(site: Site, given: dict[str, Any]) -> None:
    line = WorkCenter.objects.get(site=site, code=given["line"])
    operations = [
        Operation(
            sequence=sequence,
            name=name,
            work_center_id=line.pk,
            work_unit_id=WorkUnit.objects.get(site=site, code=station).pk,
            needs=_needs(needs),
        )
        for sequence, name, station, *needs in given["operations"]
    ]
    due_at = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=given["due_in_hours"])
    release_work_order(
        actor=ACTOR,
        command_id=uuid4(),
        site_id=site.pk,
        number=given["number"],
        item_code=given["item_code"],
        item_name=given["item_name"],
        quantity=Decimal(given["quantity"]),
        unit=given["unit"],
        due_at=due_at,
        customer=given["customer"],
        operations=operations,
    )


def _needs(given: list[dict[str, str]]) -> tuple[Need, ...]:
    return tuple(
        Need(item_id=Item.objects.get(code=code).pk, per_piece=Decimal(per_piece))
        for needs in given
        for code, per_piece in needs.items()
    )
