"""What steps and rules have people do: an exception is raised, given away; people and systems are told."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from apps.andon.models import FloorException, Informed, Notification, SiteWebhook
from apps.andon.queries import messages_at, open_for
from apps.core.commands import Context, command
from apps.floor.fragments import line_alerts, station_fragment
from apps.orders.events import QuantityConfirmed
from apps.plant.models import Role
from apps.workflows.check import words_of_the_plant
from apps.workflows.check.consequences import effect_problems
from apps.workflows.check.problems import Fault, edge
from apps.workflows.definition import EffectSpec
from apps.workflows.effects import EffectFailed, Occasion, apply_effect
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.surroundings import GIVES, Surroundings
from apps.workflows.telling import effect_in_a_line
from tests.andon.floor import SYSTEM, Floor, later, make_floor
from tests.world import run

pytestmark = pytest.mark.django_db
SAY = {"en": "Check the seal", "de": "Dichtung prüfen"}
HEADLINE = {"en": "Three leaks in a row", "de": "Drei Leckagen in Folge"}


@command("tests.have_effect")
def have_effect(
    context: Context, *, code: str, parameters: dict[str, Any], around: dict[str, Any], source: str = "rule:leaks"
) -> None:
    context.allow_anyone()
    occasion = Occasion(
        because="Rule “leaks”",
        source=source,
        event_id=1,
        event_kind="tests.leak",
        subject_kind="job_order",
        subject_id="1",
        data={},
        around=Surroundings(**around),
    )
    apply_effect(context, occasion, code, parameters)


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def at_line(floor: Floor, **more: Any) -> dict[str, Any]:
    line = floor.world.line
    return {"site_id": line.site_id, "work_center_id": line.pk, "line": line.code, **more}


def have(floor: Floor, code: str, parameters: dict[str, Any], **more: Any) -> None:
    run(have_effect, SYSTEM, code=code, parameters=parameters, around=at_line(floor, **more))


def test_an_exception_is_raised_with_an_owner_and_in_words(floor: Floor) -> None:
    have(floor, "raise_exception", {"type": "downtime", "headline": HEADLINE, "say": SAY})
    exception = FloorException.objects.get()
    assert exception.owner == floor.mia
    assert exception.headline == "Three leaks in a row"
    assert exception.sentence == "Check the seal (Rule “leaks”)"
    assert exception.work_center == floor.world.line


def test_the_same_rule_at_the_same_place_joins_what_is_open(floor: Floor) -> None:
    for _ in range(2):
        have(floor, "raise_exception", {"type": "downtime", "headline": HEADLINE, "say": SAY})
    assert FloorException.objects.count() == 1


def test_an_exception_of_an_unknown_kind_is_not_raised(floor: Floor) -> None:
    with pytest.raises(EffectFailed, match="no kind of exception sofa"):
        have(floor, "raise_exception", {"type": "sofa", "headline": HEADLINE, "say": SAY})


@pytest.mark.parametrize("wrong", [{}, {"type": "downtime", "headline": "x", "say": SAY}, {"type": 1, "sing": True}])
def test_a_form_that_is_not_filled_in_is_refused(floor: Floor, wrong: dict[str, Any]) -> None:
    with pytest.raises(EffectFailed, match="Raise an exception"):
        have(floor, "raise_exception", wrong)


def test_it_is_given_to_who_is_on_duty_in_the_role(floor: Floor) -> None:
    exception = floor.stop()
    have(floor, "assign_to_role", {"role": "maintenance_lead"}, exception_id=exception.pk)
    exception.refresh_from_db()
    assert exception.owner == floor.marta
    have(floor, "assign_to_role", {"role": "plant_manager"}, exception_id=exception.pk)  # paul is not on duty
    exception.refresh_from_db()
    assert exception.owner == floor.marta


def test_what_is_about_no_exception_can_give_none_away(floor: Floor) -> None:
    with pytest.raises(EffectFailed, match="about no exception"):
        have(floor, "assign_to_role", {"role": "maintenance_lead"})


def test_everybody_on_duty_in_a_role_is_told_in_their_language(floor: Floor) -> None:
    floor.marta.language = "de"
    floor.marta.save()
    have(floor, "notify", {"role": "maintenance_lead", "say": SAY})
    told = Notification.objects.get()
    assert told.person == floor.marta
    assert told.news["title"] == "Dichtung prüfen"
    assert told.news["body"] == "L3\nRule “leaks”"
    assert [note.pk for note in open_for(floor.marta.pk).news] == [told.pk]
    assert not Informed.objects.exists()
    later(hours=9)
    assert open_for(floor.marta.pk).news == []


def test_systems_that_asked_for_rules_are_told(floor: Floor) -> None:
    for feeds in (["rules"], ["exceptions"]):
        SiteWebhook.objects.create(site=floor.world.site, url=f"https://example.org/{feeds[0]}", feeds=feeds)
    have(floor, "webhook", {"say": SAY}, work_order="WO-1")
    told = Notification.objects.get()
    assert told.webhook is not None
    assert told.webhook.url == "https://example.org/rules"
    assert (told.news["title"], told.news["data"]["line"], told.news["data"]["order"]) == (
        "Check the seal",
        "L3",
        "WO-1",
    )


class TestAMessageOnTheScreens:
    def say(self, floor: Floor, **more: Any) -> None:
        have(floor, "message_screen", {"say": SAY, "minutes": 30}, **more)

    def test_stands_on_the_line_and_its_stations_until_its_time_is_over(self, floor: Floor) -> None:
        line, unit = floor.world.line, floor.world.station
        self.say(floor)
        assert [str(message) for message in messages_at(line.pk)] == ["Check the seal"]
        assert len(messages_at(line.pk, unit.pk)) == 1
        later(minutes=31)
        assert messages_at(line.pk) == []

    def test_said_again_it_stands_there_once_and_stays_longer(self, floor: Floor) -> None:
        self.say(floor)
        later(minutes=20)
        self.say(floor)
        later(minutes=20)
        assert len(messages_at(floor.world.line.pk)) == 1

    def test_may_be_for_one_station_only(self, floor: Floor) -> None:
        line, unit = floor.world.line, floor.world.station
        given = {"say": SAY, "minutes": 30, "where": "station"}
        with pytest.raises(EffectFailed, match="no station"):
            have(floor, "message_screen", given)
        have(floor, "message_screen", given, work_unit_id=unit.pk)
        assert len(messages_at(line.pk, unit.pk)) == 1
        assert messages_at(line.pk) == []

    def test_is_read_on_the_wall_and_at_the_station(self, floor: Floor) -> None:
        self.say(floor)
        assert "Check the seal" in line_alerts.render(str(floor.world.line.pk))
        assert "Check the seal" in station_fragment.render(str(floor.world.station.pk))


def test_a_kind_of_exception_that_is_not_there_is_found_by_the_check(floor: Floor) -> None:
    words = words_of_the_plant()
    raised = {"headline": HEADLINE, "say": SAY}
    there, gone = (
        EffectSpec(code="raise_exception", parameters={"type": type_, **raised}) for type_ in ("downtime", "gone")
    )
    assert list(effect_problems(edge("start"), there, words, {"site_id"})) == []
    [problem] = effect_problems(edge("start"), gone, words, {"site_id"})
    assert problem.is_error
    assert problem.show == "edge/start/effects"
    assert "“gone” is not known here" in problem.sentence


def test_an_engineer_reads_it_in_the_words_of_the_plant(floor: Floor) -> None:
    raised = EffectSpec(code="raise_exception", parameters={"type": "downtime", "headline": HEADLINE, "say": SAY})
    assert effect_in_a_line(raised) == (
        "Raise an exception (kind of exception: Machine stands, headline: “Three leaks in a row”, "
        "what is to be done: “Check the seal”)"
    )
    told = EffectSpec(code="notify", parameters={"role": "line_lead", "say": SAY})
    with translation.override("de"):
        assert Role.objects.get(code="line_lead").label("de") in effect_in_a_line(told)
        assert "“Dichtung prüfen”" in effect_in_a_line(told)
    gone = EffectSpec(code="notify", parameters={"role": "gone", "say": SAY})
    assert "role: gone" in effect_in_a_line(gone)


def test_an_effect_that_can_never_be_done_or_lacks_a_language_is_found_by_the_check(floor: Floor) -> None:
    """An operation is no exception; a quantity that is reported is none either."""
    given = EffectSpec(code="assign_to_role", parameters={"role": "line_lead"})
    [problem] = effect_problems(edge("start"), given, words_of_the_plant(), GIVES["job_order"])
    assert problem.is_error
    assert problem.sentence == "Give the exception to a role: what happens here is about no exception."
    assert list(effect_problems(edge("answer"), given, words_of_the_plant(), GIVES["exception"])) == []
    half = EffectSpec(code="notify", parameters={"role": "line_lead", "say": {"en": "Look", "de": ""}})
    spec = RuleSpec(code="tell", name="Tell", event=QuantityConfirmed.kind, actions=[half])
    [problem] = check_rule(spec)
    assert (problem.is_error, problem.sentence) == (False, "“Look” lacks: de.")
    spec = RuleSpec(code="give", name="Give", event=QuantityConfirmed.kind, actions=[given])
    assert [problem.code for problem in check_rule(spec)] == [Fault.EFFECT_OUT_OF_PLACE]
