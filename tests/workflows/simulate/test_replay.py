"""What a draft would have done to last week's work: what is stopped, where, why, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, InternalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.plant.models import Presence, RoleAssignment
from apps.workflows.photos.commands import take_photo
from apps.workflows.simulate.past import Span, touching_nothing
from tests.tables import filled, tables
from tests.workflows.checking.test_graph_and_edges import cel, row
from tests.workflows.photos.pictures import picture
from tests.workflows.rules.bells import publish, spec
from tests.workflows.simulate.past import laid_over, later, stops, tried
from tests.workflows.testapp.kinds import THING
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import TORQUE, Shop, make_shop, move, thing_workflow
from tests.world import give_role, give_skill, make_person, make_role, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    clock.move_to(clock.now(), rate=0)
    return make_shop()


def done(shop: Shop, **fields) -> Thing:
    """Made ready, started and completed, each a minute later."""
    thing = shop.thing("ready", **fields)
    for edge in ("start", "complete"):
        later()
        thing = move(shop.olga, thing, edge)
    return thing


def test_the_same_workflow_stops_nothing(shop):
    done(shop)
    done(shop)
    result = laid_over(shop, thing_workflow())
    draft = result.draft
    assert (draft.moves, draft.items, draft.stopped, draft.exact, draft.stops) == (6, 2, 0, 6, [])
    assert result.before == draft
    assert result.before_number == 1


def test_what_a_guard_would_have_stopped_by_the_row_of_that_time(shop):
    done(shop, quantity=3)
    thing = done(shop, quantity=8)
    Thing.objects.filter(pk=thing.pk).update(quantity=1)  # since then
    result = tried(shop, start=row("quantity", ">", 5, "Too few."))
    [stopped] = result.items
    assert (stopped.edge, stopped.reason, stopped.detail) == ("start", "guard", "Too few.")
    assert (stopped.certainty, stopped.state, stopped.name) == ("estimated", "Ready", f"thing {stopped.item_id}")
    assert stopped.also_before is False
    assert (result.draft.stopped, result.draft.estimated, result.draft.exact) == (1, 2, 4)
    [guess] = result.draft.guesses
    assert (guess.field, guess.row, guess.now) == ("quantity", 2, 0)
    assert result.before.stopped == 0


def test_what_a_guard_read_then_is_exact_whatever_became_of_it():
    clock.move_to(clock.now(), rate=0)
    shop = make_shop(start=row("quantity", ">", 1))
    thing = done(shop, quantity=3)
    Thing.objects.filter(pk=thing.pk).update(quantity=99)
    result = tried(shop, start=row("quantity", ">", 5))
    assert stops(result) == [("start", "guard", 1)]
    assert (result.items[0].certainty, result.draft.exact) == ("exact", 3)
    assert stops(tried(shop, start=cel("quantity > 2.5"))) == []
    assert stops(tried(shop, start=cel("quantity > 3.5"))) == [("start", "guard", 1)]


def test_an_input_that_was_not_asked_for_can_not_be_known(shop):
    done(shop)
    result = tried(shop, start={"inputs": [TORQUE], **row("inputs.torque", ">", 12)})
    assert (result.draft.impossible, result.draft.stopped) == (1, 0)


def test_an_input_that_was_typed_is_judged_by_the_new_limits():
    clock.move_to(clock.now(), rate=0)
    shop = make_shop(start={"inputs": [TORQUE]})
    for torque in (12.5, 13.5):
        later()
        move(shop.olga, shop.thing(), "start", torque=torque)
    result = tried(shop, start={"inputs": [{**TORQUE, "high": 13}]})
    assert stops(result) == [("start", "input", 1)]
    assert stops(tried(shop, start={"inputs": [TORQUE], **row("inputs.torque", "<", 13)})) == [("start", "guard", 1)]


def test_of_a_photo_it_is_known_whether_it_was_given():
    clock.move_to(clock.now(), rate=0)
    shot = {"name": "shot", "type": "photo", "labels": {"en": "Shot", "de": "Bild"}, "required": False}
    shop = make_shop(start={"inputs": [shot]})
    for is_given in (True, False):
        later()
        thing = shop.thing()
        taken = run(take_photo, shop.olga, item_kind="thing", item_id=thing.pk, picture=picture())
        move(shop.olga, thing, "start", **({"shot": [taken.reference]} if is_given else {}))
    asked = tried(shop, start={"inputs": [shot], **row("inputs.shot", "not empty", None)})
    assert (stops(asked), asked.draft.impossible) == ([("start", "guard", 1)], 0)


def test_more_to_type_is_counted_and_stops_nothing(shop):
    done(shop)
    result = tried(shop, start={"inputs": [TORQUE]})
    assert (result.draft.asks_more, result.draft.stopped) == (1, 0)


class TestRoles:
    def test_are_those_of_that_time(self, shop):
        give_role(shop.olga, "line_lead", valid_until=clock.now() + timedelta(minutes=5))
        done(shop)
        later(10)
        done(shop)
        assert stops(tried(shop, start={"roles": ["line_lead"]})) == [("start", "role", 1)]

    def test_at_the_place_of_the_item(self, shop):
        make_role("inspector")
        give_role(shop.olga, "inspector", RoleAssignment.objects.get(person=shop.olga).site)
        done(shop)
        assert stops(tried(shop, start={"roles": ["inspector"]})) == []

    def test_that_were_enough_then_are_enough_if_they_still_stand(self, shop):
        done(shop)
        since = clock.now() - timedelta(days=2)
        RoleAssignment.objects.filter(person=shop.olga).update(valid_from=since, valid_until=since)
        more = ["operator", "line_lead", "inspector"]
        assert stops(tried(shop, start={"roles": more})) == []
        assert stops(tried(shop, start={"roles": more[1:]})) == [("start", "role", 1)]

    def test_the_system_takes_what_names_it(self, shop):
        done(shop)
        assert stops(tried(shop, make_ready={"roles": ["operator"]})) == [("make_ready", "role", 1)]

    def test_somebody_with_the_role_came_to_work_later(self, shop):
        thing = shop.thing("running")
        began = clock.now()
        Presence.objects.create(
            site_id=shop.site_id,
            person=shop.lena,
            started_at=began + timedelta(minutes=21),
            last_evidence_at=began + timedelta(minutes=21),
        )
        later(0)
        move(shop.olga, thing, "complete")
        result = tried(shop, complete={"roles": ["line_lead"]})
        assert [item.wait_seconds for item in result.items] == [21 * 60]
        assert (result.usual_wait, result.worst_wait) == (21 * 60, 21 * 60)

    def test_nobody_knows_the_wait_where_nobody_clocks_on(self, shop):
        done(shop)
        [item] = tried(shop, start={"roles": ["line_lead"]}).items
        assert item.wait_seconds is None


def test_skills_of_that_day(shop):
    other = make_person("oskar")
    give_role(other, "operator")
    thing = shop.thing()
    later()
    move(other, thing, "start")
    done(shop)
    assert stops(tried(shop, start={"skills": ["welding"]})) == [("start", "skill", 1)]
    give_skill(other, "welding")
    assert stops(tried(shop, start={"skills": ["welding"]})) == []


class TestPartners:
    """The testapp's things may be worked on together for these tests, by whoever is among the partners."""

    @pytest.fixture
    def partners(self, monkeypatch) -> set[int]:
        them: set[int] = set()
        together = replace(THING, partners=lambda _thing, _at: frozenset(them))
        monkeypatch.setattr("tests.workflows.simulate.past.THING", together)
        return them

    @pytest.fixture
    def taken(self, shop, partners) -> None:
        """By somebody who can't weld."""
        other = make_person("oskar")
        give_role(other, "operator")
        thing = shop.thing()
        later()
        move(other, thing, "start")
        partners.add(other.pk)

    def test_who_worked_with_somebody_qualified_is_not_stopped(self, shop, partners, taken):
        partners.add(shop.olga.pk)
        result = tried(shop, start={"skills": ["welding"], "partner_suffices": True})
        assert (stops(result), result.draft.exact) == ([], 2)

    def test_who_worked_alone_or_with_nobody_qualified_is(self, shop, partners, taken):
        asked = {"skills": ["welding"], "partner_suffices": True}
        assert stops(tried(shop, start=asked)) == [("start", "skill", 1)]
        partners.add(shop.lena.pk)
        assert stops(tried(shop, start=asked)) == [("start", "skill", 1)]

    def test_where_no_partner_suffices_nobody_asks_for_one(self, shop, partners, taken):
        partners.add(shop.olga.pk)
        assert stops(tried(shop, start={"skills": ["welding"]})) == [("start", "skill", 1)]


def test_rules_that_follow_what_would_have_been_stopped_are_named(shop):
    started = {"field": "event.edge", "operator": "=", "value": "start"}
    publish(spec("starts", name="Starts", event="workflows.state_changed", conditions=[started]))
    closed = {**started, "value": "close"}
    publish(spec("closes", name="Closes", event="workflows.state_changed", conditions=[closed]))
    done(shop, quantity=3)
    done(shop, quantity=8)
    assert tried(shop, start=row("quantity", ">", 5)).unheard == {"Starts": 1}
    assert tried(shop).unheard == {}


class TestTheGraph:
    def test_a_step_that_is_no_more(self, shop):
        done(shop)

        def without(content):
            content["edges"] = [edge for edge in content["edges"] if edge["code"] != "complete"]
            content["edges"][-1]["target"] = "completed"

        result = tried(shop, without, complete_short={"sources": ["paused"]})
        assert stops(result) == [("complete", "gone", 1)]
        assert (result.draft.stuck, result.items[0].step) == (0, "Complete")

    def test_a_step_by_another_name_is_the_step(self, shop):
        done(shop)
        result = tried(shop, start={"code": "begin"})
        assert (result.draft.renamed, result.draft.stopped) == (1, 0)

    def test_a_step_from_elsewhere(self, shop):
        done(shop)
        assert stops(tried(shop, start={"sources": ["paused"]})) == [("start", "not_from_here", 1)]

    def test_a_step_that_leads_elsewhere_is_counted(self, shop):
        done(shop)
        result = tried(shop, start={"target": "paused"})
        assert (result.draft.elsewhere, result.draft.stopped) == (1, 0)

    def test_who_stands_in_a_state_that_is_no_more_is_stuck(self, shop):
        shop.thing("running")

        def without_running(content):
            content["states"] = [state for state in content["states"] if state["code"] != "running"]
            content["edges"] = [
                {**edge, "sources": sources}
                for edge in content["edges"]
                if edge["target"] != "running" and (sources := [s for s in edge["sources"] if s != "running"])
            ]

        move(shop.olga, Thing.objects.get(), "complete")
        result = tried(shop, without_running)
        assert ("complete", "state_gone", 1) in stops(result)
        assert result.draft.stuck == 1

    def test_stuck_is_also_who_has_only_ways_that_refuse(self, shop):
        done(shop, quantity=1)
        closed = row("quantity", ">", 5)
        result = tried(shop, start=closed, hold={"sources": ["running"]}, cancel=closed)
        assert (stops(result), result.draft.stuck) == ([("start", "guard", 1)], 1)


def test_a_limit_counts_what_was_before_the_stretch_too(shop):
    thing = shop.thing("running")
    for edge in ("pause", "resume") * 3:
        later()
        move(shop.olga, thing, edge, **({"reason": "lunch"} if edge == "pause" else {}))
    assert stops(tried(shop, resume={"at_most": 2})) == [("resume", "too_often", 1)]
    result = laid_over(shop, thing_workflow(resume={"at_most": 2}), Span(moves=1))
    assert (result.draft.moves, stops(result)) == (1, [("resume", "too_often", 1)])


class TestSignatures:
    def test_who_takes_a_step_signs_it(self, shop):
        done(shop)
        result = tried(shop, complete={"signature": {"meaning": {"en": "Checked"}}})
        assert (result.draft.stopped, result.draft.asks_more) == (0, 1)

    def test_the_second_signer_has_to_come(self, shop):
        done(shop)
        result = tried(shop, complete={"signature": {"meaning": {"en": "Checked"}, "signers": 2}})
        [item] = result.items
        assert (item.reason, item.detail) == ("signature", "Checked")

    def test_who_started_it_does_not_sign_it(self, shop):
        done(shop)
        signature = {"meaning": {"en": "Checked"}, "not_same_as": ["start"]}
        assert stops(tried(shop, complete={"signature": signature})) == [("complete", "signature", 1)]
        assert stops(tried(shop, complete={"signature": {**signature, "not_same_as": ["hold"]}})) == []


def test_a_field_that_can_not_be_read_is_no_answer(shop):
    done(shop)
    result = tried(shop, start=row("broken", ">", 1))
    assert (result.draft.impossible, result.draft.stopped) == (1, 0)


def test_only_the_days_asked_for(shop):
    done(shop)
    clock.move_to(clock.now() + timedelta(days=10), rate=0)
    done(shop)
    assert laid_over(shop, thing_workflow()).draft.moves == 3
    assert laid_over(shop, thing_workflow(), Span(days=30)).draft.moves == 6
    assert laid_over(shop, thing_workflow(), Span(moves=4)).draft.moves == 4


def test_nothing_that_happened_is_no_error(shop):
    result = laid_over(shop, thing_workflow())
    assert (result.draft.moves, result.items, result.since) == (0, [], None)


def rows_of_all_tables() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for table in sorted(filled(tables())):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts


def test_nothing_is_touched(shop):
    for _ in range(3):
        done(shop)
    draft = thing_workflow(start=row("quantity", ">", 5), complete={"roles": ["line_lead"]})
    later(0.1)
    before = rows_of_all_tables()
    assert laid_over(shop, draft).draft.stopped == 6
    assert rows_of_all_tables() == before


def test_the_database_refuses_to_write_meanwhile(shop):
    with pytest.raises((InternalError, DatabaseError), match="read-only"), transaction.atomic(), touching_nothing():
        Thing.objects.create(workflow_version=shop.version, site_id=shop.site_id, quantity=Decimal(1))
    assert not Thing.objects.exists()


def test_queries_do_not_grow_with_the_work(shop):
    draft = thing_workflow(start=row("quantity", ">", 5), resume={"at_most": 2})

    def asked() -> int:
        later(0.1)
        with CaptureQueriesContext(connection) as queries:
            laid_over(shop, draft)
        return len([query for query in queries if "core_sharedclock" not in query["sql"]])

    done(shop)
    few = asked()
    for _ in range(6):
        done(shop)
    assert asked() == few
    assert few <= 40
