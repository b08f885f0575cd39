"""Promise 7: nobody sees or does what role, site and area don't allow.

Every address of the resolver and every live fragment, for every role that ships, at its own site and at another.
What is expected stands here by hand; an address without an expectation fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from http.cookies import SimpleCookie

import pytest
from django.conf import settings
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.andon.commands import call_for_help
from apps.andon.models import FloorException
from apps.core import rights
from apps.core.actors import Actor
from apps.core.live import FRAGMENTS
from apps.equipment.commands import stop_machine
from apps.equipment.models import Downtime
from apps.erp_sync.api.scopes import RESOURCES
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import Confirmation
from apps.plant.access import floor_actions
from apps.plant.models import Person, Purpose, ReasonCode, Role, Terminal
from tests.orders.shop import Shop, make_shop, reason
from tests.world import give_role, make_person, make_terminal, run, terminal_cookie

# The action that opens the list of each kind of row in the admin.
ADMIN_LISTS = {
    "andon_deliveryattempt": "andon.configure",
    "andon_escalationpolicy": "andon.configure",
    "andon_exceptiontype": "andon.configure",
    "andon_floorexception": "andon.view",
    "andon_notification": "andon.configure",
    "andon_ownerrule": "andon.configure",
    "andon_policyversion": "andon.configure",
    "andon_problem": "andon.view",
    "andon_siterules": "andon.configure",
    "andon_sitewebhook": "andon.configure",
    "andon_watchround": "andon.view",
    "andon_playbook": "andon.view",
    "andon_playbookversion": "andon.view",
    "core_ledgerevent": "core.view_ledger",
    "labor_timeentry": "labor.view",
    "equipment_machine": "equipment.view",
    "equipment_machinenow": "equipment.view",
    "equipment_stateinterval": "equipment.view",
    "equipment_downtime": "equipment.view",
    "equipment_downtimepart": "equipment.view",
    "equipment_maintenancerequest": "equipment.view",
    "equipment_signalsource": "equipment.view",
    "equipment_signalmapping": "equipment.view",
    "equipment_quarantinedsignal": "equipment.view",
    "erp_sync_apitoken": "erp.manage_tokens",
    "erp_sync_refusedmessage": "erp.manage_tokens",
    "erp_sync_erpemployee": "erp.view",
    "erp_sync_erplink": "erp.view",
    "erp_sync_posting": "erp.view",
    "erp_sync_reading": "erp.view",
    "erp_sync_comparison": "erp.view",
    "erp_sync_silence": "erp.view",
    "erp_sync_unread": "erp.view",
    "materials_bom": "materials.view",
    "materials_item": "materials.view",
    "materials_location": "materials.view",
    "materials_lot": "materials.view",
    "materials_lotlink": "materials.view",
    "materials_movement": "materials.view",
    "materials_movementposting": "materials.view",
    "materials_stocksnapshot": "materials.view",
    "materials_unit": "materials.view",
    "orders_changerequest": "orders.view",
    "orders_pendingchange": "orders.view",
    "orders_workmaster": "orders.view",
    "plant_absence": "plant.manage_roster",
    "plant_area": "plant.view_plant",
    "plant_dutyrosterentry": "plant.own_duty",
    "plant_person": "plant.manage_people",
    "plant_personskill": "plant.manage_people",
    "plant_presence": "plant.manage_roster",
    "plant_reasoncode": "plant.view_plant",
    "plant_role": "plant.view_plant",
    "plant_roleassignment": "plant.manage_roles",
    "plant_site": "plant.view_plant",
    "plant_skill": "plant.manage_people",
    "plant_terminal": "plant.view_plant",
    "plant_workcalendar": "plant.view_plant",
    "plant_workcenter": "plant.view_plant",
    "plant_workunit": "plant.view_plant",
    "shifts_shifttarget": "shifts.set_target",
    "workflows_edgestop": "workflows.view",
    "workflows_photo": "workflows.view_photos",
    "workflows_ruleversion": "workflows.view",
    "workflows_version": "workflows.view",
    "workflows_workflow": "workflows.view",
}
# And the action that opens the form for a new one; None: rows come from commands only, nobody types one.
ADMIN_FORMS = {
    "andon_deliveryattempt": None,
    "andon_escalationpolicy": None,
    "andon_exceptiontype": "andon.configure",
    "andon_floorexception": None,
    "andon_notification": None,
    "andon_ownerrule": "andon.configure",
    "andon_policyversion": None,
    "andon_problem": None,
    "andon_siterules": "andon.configure",
    "andon_sitewebhook": "andon.configure",
    "andon_watchround": None,
    "andon_playbook": "andon.configure",
    "andon_playbookversion": None,
    "core_ledgerevent": None,
    "labor_timeentry": None,
    "equipment_machine": "equipment.manage",
    "equipment_machinenow": None,
    "equipment_stateinterval": None,
    "equipment_downtime": None,
    "equipment_downtimepart": None,
    "equipment_maintenancerequest": None,
    "equipment_signalsource": "equipment.manage",
    "equipment_signalmapping": "equipment.manage",
    "equipment_quarantinedsignal": None,
    "erp_sync_apitoken": "erp.manage_tokens",
    "erp_sync_refusedmessage": None,
    "erp_sync_erpemployee": None,
    "erp_sync_erplink": "erp.connect",
    "erp_sync_posting": None,
    "erp_sync_reading": None,
    "erp_sync_comparison": None,
    "erp_sync_silence": None,
    "erp_sync_unread": None,
    "materials_bom": None,
    "materials_item": "materials.manage",
    "materials_location": "materials.manage",
    "materials_lot": None,
    "materials_lotlink": None,
    "materials_movement": None,
    "materials_movementposting": None,
    "materials_stocksnapshot": None,
    "materials_unit": "materials.manage",
    "orders_changerequest": "orders.request_change",
    "orders_pendingchange": None,
    "orders_workmaster": "orders.edit_standard_work",
    "plant_absence": "plant.manage_roster",
    "plant_area": "plant.manage_plant",
    "plant_dutyrosterentry": "plant.manage_roster",
    "plant_person": "plant.manage_people",
    "plant_personskill": "plant.manage_people",
    "plant_presence": None,
    "plant_reasoncode": "plant.manage_plant",
    "plant_role": "plant.manage_roles",
    "plant_roleassignment": "plant.manage_roles",
    "plant_site": "plant.manage_plant",
    "plant_skill": "plant.manage_people",
    "plant_terminal": "plant.enrol_terminal",
    "plant_workcalendar": "plant.manage_plant",
    "plant_workcenter": "plant.manage_plant",
    "plant_workunit": "plant.manage_plant",
    "shifts_shifttarget": None,
    "workflows_edgestop": "workflows.stop_edge",
    "workflows_photo": None,
    "workflows_ruleversion": "workflows.edit",
    "workflows_version": "workflows.edit",
    "workflows_workflow": None,
}
ADMIN_PAGES = {"changelist", "add", "history", "delete", "change", "simple_history"}
OTHER_ADMIN = {
    "admin:plant_role_matrix": "plant.view_plant",
    "admin:plant_dutyrosterentry_import_csv": "plant.manage_roster",
    "admin:andon_policyversion_who_is_told": "andon.configure",
    "admin:equipment_signalmapping_try_signal": "equipment.view",
    "admin:workflows_version_edit": "workflows.view",
    "admin:workflows_version_check": "workflows.view",
    "admin:workflows_version_simulate": "workflows.view",
    "admin:workflows_version_publish": "workflows.view",
    "admin:workflows_version_import_package": "workflows.edit",
    "admin:workflows_version_library": "workflows.edit",
    "admin:workflows_ruleversion_compare": "workflows.view",
    "admin:workflows_ruleversion_simulate": "workflows.view",
    "admin:workflows_ruleversion_history": "workflows.view",
    "admin:workflows_ruleversion_publish": "workflows.view",
    "admin:workflows_ruleversion_import_package": "workflows.edit",
    "admin:workflows_ruleversion_library": "workflows.edit",
    "admin:workflows_version_graph": "workflows.view",
    "admin:workflows_version_history": "workflows.view",
}
# Open to whoever may enter the admin at all, or to everybody where they are the way in; they show nothing of the plant.
NEUTRAL_ADMIN = {
    "admin:search", "admin:index", "admin:login", "admin:logout", "admin:password_change", "admin:password_change_done",
    "admin:autocomplete", "admin:jsi18n", "admin:view_on_site", "admin:app_list", "admin:?",
}  # fmt: skip
SCREENS = {
    "floor:station": ("/station/S1/A33/", "floor.view_station"),
    "floor:panel": ("/station/S1/A33/panel/", "floor.view_station"),
    "floor:ways": ("/station/S1/A33/panel/ways/", "floor.view_station"),
    "floor:line": ("/line/S1/L3/", "floor.view_board"),
    "floor:losses": ("/line/S1/L3/losses/", "floor.view_board"),
    "floor:blocked": ("/blocked/S1/", "orders.view"),
    "floor:blocked_panel": ("/blocked/S1/panel/", "orders.view"),
}
# A POST to a screen: who may see it is answered by the command (409 refused, 200 done), who may not by 404.
ACTS = {
    "floor:take_edge": ("/station/S1/A33/take-edge/", "orders.run_job"),
    "floor:sign": ("/station/S1/A33/sign/", "orders.run_job"),
    "floor:withdraw": ("/station/S1/A33/withdraw/", "orders.run_job"),
    "floor:part": ("/station/S1/A33/part/", "orders.run_job"),
    "floor:confirm": ("/station/S1/A33/confirm/", "orders.confirm"),
    "floor:undo": ("/station/S1/A33/undo/", "orders.reverse"),
    "floor:clock": ("/station/S1/A33/clock/", "labor.clock"),
    "floor:call_skill": ("/station/S1/A33/call-qualified/", "orders.run_job"),
    "floor:machine_runs": ("/station/S1/A33/machine-runs/", "equipment.report"),
    "floor:set_target": ("/line/S1/L3/target/", "shifts.set_target"),
    "floor:record_step": ("/station/S1/A33/record-step/", "orders.confirm"),
    "floor:apply_cure": ("/blocked/S1/cure/", "orders.view"),
}
# Calls need no right but to see the station, and nobody signed in there.
CALLS = {
    "floor:call": "/station/S1/A33/call/",
    "floor:safety": "/station/S1/A33/safety/",
    "floor:machine_stopped": "/station/S1/A33/machine-stopped/",
}
# The same, of what was called a moment ago, or not at all.
RING = {"floor:ring_again": "/station/S1/A33/ring/"}
# By whose badge and PIN, or password, it carries, whoever sees the station: tests/floor/test_signing.py.
BY_PROOF = {
    "floor:override": "/station/S1/A33/override/",
    "floor:work_together": "/station/S1/A33/work-together/",
}
# Needs what waits for a signature: tests/floor/test_signing.py.
OF_A_SIGNATURE = {"floor:phone_sign"}
# Needs a stop: tests/floor/test_machine.py.
OF_A_STOP = {"floor:machine_why"}
# For everybody who is signed in, about themselves.
PHONE = {
    "floor:phone",
    "floor:phone_accept_all",
    "floor:duty",
    "floor:duty_act",
    "floor:phone_sign_in",
    "floor:phone_sign_out",
}
ONE_EXCEPTION = {
    "floor:phone_one": "",
    "floor:phone_panel": "panel/",
    "floor:phone_people": "people/",
    "floor:phone_ways": "ways/",
}
# Of the machines that somebody may see (`test_stops_without_a_reason_...`).
STOPS = {"floor:stops": "/stops/S1/", "floor:explain_stops": "/stops/S1/why/"}
# The boards of what somebody may see; one exception's page at a desk is as its page on the phone.
SEEN = {"floor:andon": "andon.view", "floor:exception": "andon.view"}
ANSWER = {"floor:phone_answer": "take/"}
# With who may answer, and besides who may override, is asked in tests/floor/test_phone_override.py.
OVERRIDE = {"floor:phone_override"}
# For whoever is told of exceptions, about their own channels alone (tests/floor/test_phone_channels.py).
OWN_CHANNELS = {
    "floor:phone_channels": "", "floor:add_channel": "add/", "floor:save_push": "push/save/",
    "floor:drop_push": "push/drop/", "floor:channel": "1/test/",
}  # fmt: skip
# Who sees the page that an act belongs to.
SEEN_BY = {"line": "floor.view_board", "station": "floor.view_station", "blocked": "orders.view"}
ACT_PATHS = {path for path, _action in ACTS.values()}
# The health of the exceptions is rules and numbers, for whatever watches from outside.
OPEN_SCREENS = {"floor:home", "floor:sign_in", "floor:sign_out", "andon:health", "floor:push_script"}
ENROLMENT = {"floor:enrol_station": "/station/S1/A33/enrol/", "floor:enrol_board": "/line/S1/L3/enrol/"}
# Of the API: for holders of a token (tests/erp_sync), and for nobody with a session alone.
API = {f"api:{name}{one}" for name in RESOURCES for one in ("", "-one")} - {
    "api:signals-one",
    "api:blocked-one",
    "api:downtimes-one",
}
API |= {"api:schema", "api:nothing"}
FRAGMENT_ACTIONS = {
    "line-board": "floor.view_board",
    "losses": "floor.view_board",
    "line-alerts": "floor.view_board",
    "line-lost": "floor.view_board",
    "station": "floor.view_station",
    "station-buttons": "floor.view_station",
    "station-erp": "floor.view_station",
    "exception": "andon.view",
    "exception-story": "andon.view",
    "andon": "andon.view",
    "stops": "equipment.view",
    "stops-link": "equipment.view",
    "lines": "floor.view_board",
    "standing": "equipment.view",
    "blocked": "orders.view",
    "people": "plant.manage_roster",
}
# Of items and sites: who takes and sees them is asked in tests/floor/test_photos.py, role by role.
PHOTOS = {"workflows:take_photo", "workflows:photo", "workflows:photo_small"}
# Of one person, for that person alone.
OWN_FRAGMENTS = {"mine", "to-sign"}

SHIPPED = {
    role["code"]: set(role["actions"]) for role in json.loads((settings.BASE_DIR / "fixtures/roles.json").read_text())
}


def addresses(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name or '?'}"
        else:
            yield from addresses(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)


def pages_of(model: str) -> str:
    """Where the admin's pages of a model lie: "erp_sync_apitoken" -> "erp_sync/apitoken"."""
    return "/".join(model.rsplit("_", 1))


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


def somebody(role: str, shop: Shop, *, elsewhere: bool = False) -> Person:
    person = make_person(is_staff=True, site=shop.world.other_site if elsewhere else shop.world.site)
    give_role(person, Role.objects.get(code=role), shop.world.other_site if elsewhere else shop.world.site)
    return person


def a_call(shop: Shop) -> FloorException:
    """For help, from station A33."""
    terminal = make_terminal(shop.world.site, station=shop.world.station)
    standing = run(call_for_help, Actor(terminal_id=terminal.pk), work_unit_id=shop.world.station.pk)
    return FloorException.objects.get(pk=standing.exception_id)


def at_desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def at_terminal(terminal: Terminal) -> Client:
    client = Client()
    client.cookies.update(SimpleCookie(terminal_cookie(terminal)))
    return client


def test_every_address_has_an_expectation() -> None:
    known = OPEN_SCREENS | SCREENS.keys() | ACTS.keys() | NEUTRAL_ADMIN | OTHER_ADMIN.keys() | ENROLMENT.keys() | API
    known |= CALLS.keys() | RING.keys() | OF_A_STOP | PHONE | ONE_EXCEPTION.keys() | ANSWER.keys() | SEEN.keys()
    known |= OVERRIDE | OWN_CHANNELS.keys() | STOPS.keys() | BY_PROOF.keys() | OF_A_SIGNATURE | PHOTOS
    known |= {f"admin:{model}_{page}" for model in ADMIN_LISTS for page in ADMIN_PAGES}
    assert set(addresses()) - known == set()
    assert ADMIN_LISTS.keys() == ADMIN_FORMS.keys()
    assert FRAGMENTS.keys() - FRAGMENT_ACTIONS.keys() - OWN_FRAGMENTS == {
        name for name in FRAGMENTS if name.startswith("tests-")
    }


@pytest.fixture
def unrendered_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a page opens is decided before it is drawn, and drawing five hundred admin pages takes minutes."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


@pytest.mark.usefixtures("unrendered_admin")
@pytest.mark.parametrize("role", SHIPPED)
def test_a_role_opens_at_its_site_just_what_it_holds(role: str, shop: Shop) -> None:
    client = at_desk(somebody(role, shop))
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1))
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="pause", inputs={"reason": reason(Purpose.PAUSE)})
    undoing = {"confirmation": Confirmation.objects.get().pk, "reason": 999_999_999}
    for model, action in ADMIN_LISTS.items():
        status = client.get(f"/admin/{pages_of(model)}/").status_code
        assert (status == 200) == (action in SHIPPED[role]), f"{role} {model} list: {status}"
    for model, action in ADMIN_FORMS.items():
        status = client.get(f"/admin/{pages_of(model)}/add/").status_code
        assert (status == 200) == (action in SHIPPED[role]), f"{role} {model} form: {status}"
    for path, action in SCREENS.values():
        assert client.get(path).status_code == (200 if action in SHIPPED[role] else 404), f"{role} {path}"
    for path, action in ACTS.values():
        # Nothing that is posted here can be done: who may act is told so, who may not is told that.
        seen = SEEN_BY[path.split("/")[1]] in SHIPPED[role]
        answer = client.post(path, {"job": shop.job.pk, "edge": "no_such_edge", "good": "1", "step": "1", **undoing})
        assert answer.status_code == (409 if seen else 404), f"{role} {path}"
        if seen and action not in SHIPPED[role]:
            assert "You may not" in answer.content.decode(), f"{role} {path}"
    assert shop.reload().good_quantity == 1


@pytest.mark.parametrize("role", SHIPPED)
def test_a_role_of_another_site_opens_no_screen_and_sees_no_row_here(role: str, shop: Shop) -> None:
    client = at_desk(somebody(role, shop, elsewhere=True))
    for path, _action in [*SCREENS.values(), *ACTS.values()]:
        answer = client.post(path) if path in ACT_PATHS else client.get(path)
        assert answer.status_code == 404, f"{role} {path}"
    for name, place in {"site": shop.world.site, "workcenter": shop.world.line, "workunit": shop.world.station}.items():
        shown = client.get(f"/admin/plant/{name}/")
        assert str(place.name) not in shown.content.decode(), f"{role} sees {place} of another site"
        assert client.get(f"/admin/plant/{name}/{place.pk}/change/").status_code != 200


def test_nobody_is_sent_away_everywhere(shop: Shop) -> None:
    client = Client()
    for path, _action in [*SCREENS.values(), *ACTS.values()]:
        answer = client.post(path) if path in ACT_PATHS else client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"] == "/"
    for model in ADMIN_LISTS:
        for page in ("", "add/", "1/change/", "1/history/", "1/delete/"):
            answer = client.get(f"/admin/{pages_of(model)}/{page}")
            assert answer.status_code == 302, (model, page)
            assert answer.headers["Location"].startswith("/admin/login/")


def test_no_session_and_no_terminal_opens_the_api(shop: Shop) -> None:
    clients = [Client(), at_terminal(make_terminal(shop.world.site, station=shop.world.station))]
    clients += [at_desk(somebody(role, shop)) for role in SHIPPED]
    for client in clients:
        for path in ["", "schema/", "people/", *(f"{name}/" for name in RESOURCES), "items/p,1/"]:
            assert client.get(f"/api/v1/{path}").status_code == 401, path
        assert client.post("/api/v1/items/", "{}", content_type="application/json").status_code == 401


def test_nobody_deletes_in_the_admin(shop: Shop) -> None:
    """Not even who may change everything: what is no longer used is switched off."""
    for role in ("process_engineer", "it_administrator"):
        client = at_desk(somebody(role, shop))
        for model in ADMIN_LISTS.keys() - {"plant_workcalendar"}:
            assert client.post(f"/admin/{pages_of(model)}/1/delete/", {"post": "yes"}).status_code in {302, 403}
    assert shop.reload()


@pytest.mark.parametrize("role", SHIPPED)
def test_whoever_sees_the_station_calls_from_it_and_nobody_from_elsewhere(role: str, shop: Shop) -> None:
    seen = "floor.view_station" in SHIPPED[role]
    for path in CALLS.values():
        assert at_desk(somebody(role, shop)).post(path).status_code == (200 if seen else 404), f"{role} {path}"
        assert at_desk(somebody(role, shop, elsewhere=True)).post(path).status_code == 404
        assert Client().post(path).status_code == 302
    for path in [*RING.values(), *BY_PROOF.values()]:
        assert at_desk(somebody(role, shop)).post(path).status_code == (409 if seen else 404), f"{role} {path}"
        assert at_desk(somebody(role, shop, elsewhere=True)).post(path).status_code == 404
        assert Client().post(path).status_code == 302


@pytest.mark.parametrize("role", SHIPPED)
def test_an_exception_is_seen_and_answered_by_just_whose_role_and_site_allow_it(role: str, shop: Shop) -> None:
    call = a_call(shop)
    here, elsewhere = at_desk(somebody(role, shop)), at_desk(somebody(role, shop, elsewhere=True))
    sees, answers = "andon.view" in SHIPPED[role], "andon.answer" in SHIPPED[role]
    for end in ONE_EXCEPTION.values():
        assert here.get(f"/phone/{call.pk}/{end}").status_code == (200 if sees else 404), f"{role} {end}"
        assert elsewhere.get(f"/phone/{call.pk}/{end}").status_code == 404, f"{role} {end}"
    for path in ("/andon/S1/", f"/andon/S1/{call.pk}/"):
        assert here.get(path).status_code == (200 if sees else 404), f"{role} {path}"
        assert elsewhere.get(path).status_code == 404, f"{role} {path}"
        assert Client().get(path).status_code == 302
    assert elsewhere.post(f"/phone/{call.pk}/take/").status_code == 404
    answer = here.post(f"/phone/{call.pk}/take/")
    assert answer.status_code == (200 if answers else 409 if sees else 404), role
    assert FloorException.objects.get().is_answered == answers


@pytest.mark.parametrize("role", SHIPPED)
def test_whoever_is_told_of_exceptions_chooses_how_and_nobody_else(role: str, shop: Shop) -> None:
    client, holds = at_desk(somebody(role, shop)), "andon.own_channels" in SHIPPED[role]
    assert holds == ("andon.view" in SHIPPED[role] and role != "auditor"), "an auditor is called to nothing"
    assert ("/phone/channels/" in client.get("/phone/").content.decode()) == holds, "no link leads to a closed door"
    for name, end in OWN_CHANNELS.items():
        answer = client.post(f"/phone/channels/{end}") if end else client.get("/phone/channels/")
        assert (answer.status_code == 404) != holds, f"{role} {name}: {answer.status_code}"
        nobody = Client().post(f"/phone/channels/{end}") if end else Client().get("/phone/channels/")
        assert nobody.status_code == 302


@pytest.mark.parametrize("role", SHIPPED)
def test_stops_without_a_reason_are_seen_and_explained_by_just_whose_role_and_site_allow_it(
    role: str, shop: Shop
) -> None:
    stop = run(stop_machine, shop.world.olga, work_unit_id=shop.world.station.pk)
    downtime = Downtime.objects.get(pk=stop.downtime_id)
    part = downtime.parts.get()
    sees, explains = "equipment.view" in SHIPPED[role], "equipment.report" in SHIPPED[role]
    here, elsewhere = at_desk(somebody(role, shop)), at_desk(somebody(role, shop, elsewhere=True))
    page, act = STOPS.values()
    assert here.get(page).status_code == (200 if sees else 404)
    assert elsewhere.get(page).status_code == 404
    assert Client().get(page).status_code == Client().post(act).status_code == 302
    choosable = ReasonCode.objects.choosable(Purpose.DOWNTIME)[0]
    sent = {"stop": f"{part.pk}.{downtime.pk}.{downtime.version}", "reason": choosable.pk}
    assert elsewhere.post(act, sent).status_code == 404
    answer = here.post(act, sent)
    assert answer.status_code == (200 if explains else 409 if sees else 404)
    assert downtime.parts.get().reason == (choosable if explains else None)


class TestATerminalWithNobodySignedIn:
    def test_calls_from_its_own_station_only(self, shop: Shop) -> None:
        here = at_terminal(make_terminal(shop.world.site, station=shop.world.station))
        elsewhere = at_terminal(make_terminal(shop.world.other_site, line=shop.world.other_line))
        for path in CALLS.values():
            assert here.post(path).status_code == 200
            assert elsewhere.post(path).status_code == 404

    def test_shows_its_own_station_and_line(self, shop: Shop) -> None:
        client = at_terminal(make_terminal(shop.world.site, station=shop.world.station))
        assert client.get("/station/S1/A33/").status_code == 200
        assert client.get("/line/S1/L3/").status_code == 200

    def test_of_another_site_shows_nothing_here(self, shop: Shop) -> None:
        client = at_terminal(make_terminal(shop.world.other_site, line=shop.world.other_line))
        assert client.get("/station/S1/A33/").status_code == 404
        assert client.get("/line/S1/L3/").status_code == 404

    def test_can_not_act(self, shop: Shop) -> None:
        client = at_terminal(make_terminal(shop.world.site, station=shop.world.station))
        answer = client.post("/station/S1/A33/take-edge/", {"job": shop.job.pk, "edge": "start"})
        assert answer.status_code == 409
        assert "Sign in" in answer.content.decode()
        assert shop.reload().status == "ready"

    def test_opens_no_admin(self, shop: Shop) -> None:
        client = at_terminal(make_terminal(shop.world.site, station=shop.world.station))
        assert client.get("/admin/plant/site/").status_code == 302


@pytest.mark.parametrize("role", SHIPPED)
def test_a_live_fragment_is_seen_by_just_whose_role_and_site_allow_it(role: str, shop: Shop) -> None:
    own = Actor(person_id=somebody(role, shop).pk)
    elsewhere = Actor(person_id=somebody(role, shop, elsewhere=True).pk)
    unit = shop.world.station.pk
    keys: dict[str, object] = {
        "line-board": shop.world.line.pk,
        "line-alerts": shop.world.line.pk,
        "line-lost": shop.world.line.pk,
        "losses": f"{shop.world.line.pk}.shift",
        "station": unit,
        "station-buttons": unit,
        "station-erp": unit,
    }
    keys |= dict.fromkeys(("exception", "exception-story"), a_call(shop).pk)
    keys |= dict.fromkeys(("andon", "lines", "standing", "blocked", "people"), shop.world.site.place)
    keys |= {"stops": f"{shop.world.site.place},oldest", "stops-link": shop.world.site.place}
    for name, action in FRAGMENT_ACTIONS.items():
        may_view = FRAGMENTS[name].may_view
        assert may_view(own, str(keys[name])) == (action in SHIPPED[role])
        assert not may_view(elsewhere, str(keys[name]))
        assert not may_view(own, "999999999")
        assert not may_view(own, "1 OR 1=1")
    for name in OWN_FRAGMENTS:
        assert FRAGMENTS[name].may_view(own, str(own.person_id))
        assert not FRAGMENTS[name].may_view(elsewhere, str(own.person_id))
        assert not FRAGMENTS[name].may_view(own, "1 OR 1=1")


@pytest.mark.parametrize("path", ENROLMENT.values())
def test_a_browser_becomes_a_terminal_by_who_may_enrol_one_and_nobody_else(
    path: str, shop: Shop, settings: object
) -> None:
    settings.DEMO = False
    assert Client().post(path).status_code == 404
    for role, actions in SHIPPED.items():
        answer = at_desk(somebody(role, shop)).post(path)
        assert answer.status_code == (302 if "plant.enrol_terminal" in actions else 404), role
    assert at_desk(somebody("it_administrator", shop, elsewhere=True)).post(path).status_code == 409


def test_badge_and_pin_give_the_floor_only() -> None:
    desk = {code for code, action in rights.ACTIONS.items() if action.desk}
    assert {"plant.manage_people", "orders.manage", "workflows.publish", "core.view_ledger"} <= desk
    assert not floor_actions() & desk
