"""What must hold for places whoever writes them: the database says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from apps.plant.models import Area, ReasonCode, Site, Terminal, WorkCenter, WorkUnit, within
from apps.plant.models.places import common_scope
from tests.world import (
    World,
    make_area,
    make_calendar,
    make_line,
    make_reason,
    make_site,
    make_station,
    make_terminal,
    make_world,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def refused_by_the_database(rows: Any, constraint: str, **values: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        rows.update(**values)


def test_codes_are_unique_within_a_site(world: World) -> None:
    make_line(make_area(world.other_site, "A1"), "L3")
    with pytest.raises(IntegrityError, match="work_center_code_once_per_site"):
        make_line(make_area(world.site, "A2"), "L3")


def test_station_codes_are_unique_within_a_site(world: World) -> None:
    with pytest.raises(IntegrityError, match="work_unit_code_once_per_site"):
        make_station(make_line(world.area, "L4"), "A33")


def test_a_line_is_at_the_site_of_its_area(world: World) -> None:
    assert world.line.site_id == world.site.pk
    assert world.station.site_id == world.site.pk
    refused_by_the_database(WorkCenter.objects.filter(pk=world.line.pk), "site_is_the", site=world.other_site)
    empty = make_line(world.area, "L4")
    refused_by_the_database(
        WorkCenter.objects.filter(pk=empty.pk), "work_center_site_is_the_areas", site=world.other_site
    )
    refused_by_the_database(WorkUnit.objects.all(), "work_unit_site_is_the_work_centers", site=world.other_site)
    refused_by_the_database(Area.objects.filter(pk=world.area.pk), "site", site=world.other_site)


def test_the_counting_station_is_one_of_the_line(world: World) -> None:
    elsewhere = make_station(make_line(world.area, "L4"), "A41")
    lines = WorkCenter.objects.filter(pk=world.line.pk)
    lines.update(counting_unit=world.station)
    refused_by_the_database(lines, "counting_unit_is_its_own", counting_unit=elsewhere)


def test_a_calendar_is_one_of_the_site(world: World) -> None:
    theirs = make_calendar(world.other_site)
    refused_by_the_database(
        WorkCenter.objects.filter(pk=world.line.pk), "work_center_calendar_of_its_site", calendar=theirs
    )


def test_a_terminal_stands_within_its_site(world: World) -> None:
    make_terminal(world.site, line=world.line)
    refused_by_the_database(Terminal.objects.all(), "terminal_line_of_its_site", work_center=world.other_line)
    refused_by_the_database(Terminal.objects.all(), "terminal_at_line_or_station_not_both", work_unit=world.station)


@pytest.mark.parametrize("code", ["", "L 3", "L/3", "Ä1", "-x"])
def test_a_code_can_stand_in_an_address(code: str) -> None:
    with pytest.raises(IntegrityError, match="site_code_plain"):
        Site.objects.create(code=code, name="x")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_time_zone_exists(zone: str) -> None:
    with pytest.raises(ValidationError):
        Site(code="S9", name="x", timezone=zone).full_clean()


def test_scopes_name_the_places_that_contain_it(world: World) -> None:
    above = {"everywhere", world.site.place, world.area.place}
    assert world.station.scope == world.line.scope == above | {world.line.place}
    assert common_scope([world.line, make_line(world.area, "L4")]) == world.area.scope
    assert common_scope([]) == common_scope([world.line, world.other_line]) == {"everywhere"}


def test_within_filters_rows_on_lines(world: World) -> None:
    for places in ({"everywhere"}, {world.site.place}, {world.area.place}, {world.line.place}):
        assert WorkUnit.objects.filter(within(frozenset(places))).count() == 1
    for places in (set(), {world.other_site.place}, {world.other_line.place}):
        assert WorkUnit.objects.filter(within(frozenset(places))).count() == 0


def test_history_shows_what_a_line_looked_like(world: World) -> None:
    world.line.name = "Gearbox line"
    world.line.save()
    assert [row.name for row in world.line.history.all()] == ["Gearbox line", "Line L3"]


# ---- reasons


def test_a_reason_speaks_the_readers_language() -> None:
    reason = make_reason("scrap", "crack", en="Crack", de="Riss")
    assert (reason.label("de"), reason.label("fr"), reason.label("de-at")) == ("Riss", "Crack", "Riss")
    with translation.override("de"):
        assert reason.label() == "Riss"
    assert make_reason("scrap", "porous", de="Poren").label("en") == "Poren"
    assert ReasonCode(code="bare", labels={}).label() == "bare"


def test_only_the_finest_active_reasons_are_offered() -> None:
    tool = make_reason("downtime", "tool")
    worn = make_reason("downtime", "tool_worn", parent=tool)
    make_reason("downtime", "tool_broken", parent=tool)
    make_reason("pause", "lunch")
    offered = ReasonCode.objects.choosable("downtime").values_list("code", flat=True)
    assert list(offered) == ["tool_broken", "tool_worn"]
    ReasonCode.objects.exclude(pk=tool.pk).update(active=False)
    assert list(ReasonCode.objects.choosable("downtime")) == [tool]
    assert worn.parent == tool


def test_a_tree_of_reasons_has_one_purpose_and_no_circle() -> None:
    tool = make_reason("downtime", "tool")
    worn = make_reason("downtime", "tool_worn", parent=tool)
    tool.parent = worn
    with pytest.raises(ValidationError, match="part of itself"):
        tool.full_clean()
    with pytest.raises(ValidationError, match="same purpose"):
        ReasonCode(purpose="scrap", code="worn", parent=worn, labels={}).full_clean()
    with pytest.raises(IntegrityError, match="reason_parent_same_purpose"):
        make_reason("scrap", "worn", parent=worn)


@pytest.mark.parametrize("labels", [{"en": 1}, ["Crack"], {"xx": "Crack"}])
def test_labels_are_texts_by_language(labels: Any) -> None:
    with pytest.raises(ValidationError):
        ReasonCode(purpose="scrap", code="crack", labels=labels).full_clean()


def test_two_sites_have_nothing_in_common_but_everywhere() -> None:
    assert make_site("S1").scope & make_site("S2").scope == {"everywhere"}
