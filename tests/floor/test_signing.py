"""Steps that are signed, overridden or refused, as a station shows and does them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.models import LedgerEvent
from apps.floor.fragments import station_fragment, to_sign_fragment
from apps.floor.panel import Panel
from apps.plant.access import LAST_ACT
from apps.plant.models import Person
from apps.workflows.models import Signature, SignedStep
from tests.floor.signed_shop import (
    BADGE,
    Content,
    SignedShop,
    by_code,
    first_article,
    make_signed_shop,
    stopped,
    texts,
    typed,
)
from tests.orders.shop import make_job
from tests.world import PASSWORD, PIN, actor_of, give_role, ledger, make_station

pytestmark = pytest.mark.django_db
STATION = "/station/S1/A33"
TYPED = {"number__torque": "12,5", "yes_no__clean": "yes", "lot__casting": "C-9"}


def seen(shop: SignedShop, who: Person) -> Panel:
    return Panel(shop.world.station, actor_of(who), SessionBase())


def way(shop: SignedShop, who: Person, edge: str = "approve_first") -> Any:
    found = seen(shop, who).choice(edge)
    assert found is not None
    return found


@pytest.fixture
def shop() -> SignedShop:
    shop = make_signed_shop()
    shop.at("set_up", "show_first")
    return shop


def test_an_inspector_comes_over_and_signs_while_the_operator_stays_signed_in(shop: SignedShop) -> None:
    client = shop.tablet()
    before = client.session[LAST_ACT]
    status, body = shop.post(client, "sign", "approve_first", **TYPED, **BADGE)
    assert (status, "Signed by Ivan." in body) == (200, True)
    assert shop.reload().state == "running"
    assert Signature.objects.get().person_id == shop.world.ivan.pk
    assert SignedStep.objects.get().inputs == {"torque": "12.5", "clean": True, "casting": "C-9"}
    assert "Next entry is written as</small><b>Olga" in client.get("/station/S1/A33/").content.decode()
    assert client.session[LAST_ACT] == before
    assert LedgerEvent.objects.get(kind="workflows.edge_signed").terminal_id == shop.terminal.pk


def test_the_sheet_shows_what_is_signed_and_what_is_to_be_entered(shop: SignedShop) -> None:
    body = shop.tablet().get("/station/S1/A33/panel/").content.decode()
    assert 'data-open="edge-approve_first"' in body
    assert "I have checked the first piece" in body
    assert "12 to 14 Nm" in body
    assert 'name="number.torque" inputmode="decimal"' in body
    assert 'name="yes_no.clean" value="no"' in body
    assert 'name="lot.casting"' in body
    assert '<textarea class="input" name="input.remark"' in body


def test_a_wrong_pin_is_a_sentence_in_the_sheet_and_signs_nothing(shop: SignedShop) -> None:
    sent = {**TYPED, **BADGE, "pin": "918273", "sheet": "edge-approve_first"}
    status, body = shop.post(shop.tablet(), "sign", "approve_first", **sent)
    assert status == 409
    assert '<div id="edge-approve_first-answer" class="answer" role="alert" hx-swap-oob="true">Badge and PIN' in body
    assert not SignedStep.objects.exists()
    assert shop.reload().state == "first_article"


def test_who_set_it_up_does_not_sign_and_hears_who_may(shop: SignedShop) -> None:
    status, body = shop.post(shop.tablet(), "sign", "approve_first", **TYPED, badge="badge-olga", pin=PIN)
    assert (status, "“Approve first piece” is not yours to do here." in body) == (409, True)
    found = way(shop, shop.world.olga)
    assert (found.is_open, found.by_badge, found.exit.possible) == (True, True, False)
    assert found.who_signs.startswith("Somebody else signs this, with badge and PIN. It can be done by: Inspector")
    assert found.is_proposed


def test_after_too_few_signatures_the_panel_says_who_and_how_many_and_takes_them_back() -> None:
    shop = make_signed_shop(first_article(signers=2))
    shop.at("set_up", "show_first")
    client = shop.tablet()
    status, body = shop.post(client, "sign", "approve_first", **TYPED, **BADGE)
    assert (status, body.count("Signed by Ivan; one more is needed.") >= 2) == (200, True)
    assert shop.reload().state == "first_article"
    body = client.get("/station/S1/A33/panel/").content.decode()
    assert "<dt>Torque</dt><dd>12.5 Nm</dd>" in body
    assert "<dt>Free of burrs</dt><dd>yes</dd>" in body
    assert 'name="number.torque"' not in body
    assert shop.post(shop.tablet("badge-lena"), "withdraw", "approve_first")[0] == 200
    assert SignedStep.objects.get().closed_at is not None
    assert "one more is needed" not in client.get("/station/S1/A33/panel/").content.decode()


def test_the_second_signs_what_the_first_has_entered_and_the_job_moves() -> None:
    shop = make_signed_shop(first_article(signers=2))
    shop.at("set_up", "show_first")
    client = shop.tablet()
    shop.post(client, "sign", "approve_first", **TYPED, **BADGE)
    status, body = shop.post(client, "sign", "approve_first", **BADGE)
    assert (status, "You have signed this already." in body) == (409, True)
    status, body = shop.post(client, "sign", "approve_first", badge="badge-iris", pin=PIN)
    assert (status, "Signed by Iris." in body) == (200, True)
    assert shop.reload().state == "running"


def test_where_no_credentials_are_asked_for_a_press_signs() -> None:
    signature = {"meaning": texts("Seen"), "credentials": False}
    shop = make_signed_shop(first_article(signature=signature, inputs=[], roles=["inspector"]))
    shop.at("set_up", "show_first")
    assert not way(shop, shop.world.ivan).by_badge
    assert way(shop, shop.world.olga).by_badge  # somebody else has to say who it is
    status, _body = shop.post(shop.tablet("badge-ivan"), "sign", "approve_first")
    assert (status, shop.reload().state) == (200, "running")
    assert Signature.objects.get().proof is None


def test_at_a_desk_the_one_who_is_signed_in_signs_with_a_password(shop: SignedShop) -> None:
    ivan = shop.world.ivan
    ivan.set_password(PASSWORD)
    ivan.save()
    client = Client()
    client.force_login(ivan)
    assert "Password of Ivan" in client.get("/station/S1/A33/").content.decode()
    status, body = shop.post(client, "sign", "approve_first", **TYPED, password="wrong")
    assert (status, "User name and password do not fit." in body) == (409, True)
    assert shop.post(client, "sign", "approve_first", **TYPED, password=PASSWORD)[0] == 200
    assert Signature.objects.get().person_id == ivan.pk


def test_a_badge_scanned_as_a_lot_is_written_nowhere(shop: SignedShop) -> None:
    client, sent = shop.tablet(), {**TYPED, **BADGE, "lot__casting": "badge-lena"}
    answer = client.post("/station/S1/A33/sign/", {"job": shop.job.pk, "lot.casting": "badge-lena"})
    assert answer.headers["HX-Trigger"] == "mfgos:badge"
    assert shop.post(client, "sign", "approve_first", **sent)[0] == 409
    assert not LedgerEvent.objects.filter(data__icontains="badge-lena").exists()
    assert not SignedStep.objects.exists()


@pytest.mark.parametrize(("chosen", "stored"), [("yes", True), ("no", False)])
def test_yes_and_no_reach_the_step_as_what_they_are(chosen: str, stored: bool) -> None:
    sure = typed("sure", "boolean", "Sure")

    def ask(content: Content) -> None:
        by_code(content, "set_up")["inputs"] = [sure]

    shop = make_signed_shop(ask)
    status, _body = shop.post(shop.tablet(), "take-edge", "set_up", yes_no__sure=chosen)
    assert (status, shop.reload().state) == (200, "setting_up")
    assert ledger("workflows.state_changed")[-1].data["inputs"] == {"sure": stored}


def test_a_number_out_of_its_limits_is_refused_in_words(shop: SignedShop) -> None:
    status, body = shop.post(shop.tablet(), "sign", "approve_first", **{**TYPED, "number__torque": "20"}, **BADGE)
    assert (status, "Torque: at most 14 Nm." in body) == (409, True)


# ---- what is broken


def brake(content: Content) -> None:
    """A rule that can't be checked while all of the 24 are still to do."""
    by_code(content, "start").update(expression="1 / (24 - int(to_do)) > 0", expression_sentence=texts("No."))


def test_a_broken_step_is_overridden_by_name_with_badge_pin_and_a_reason() -> None:
    shop = make_signed_shop(brake)
    assert not way(shop, shop.world.olga, "start").exit.may_override
    supervisor = shop.world.lena
    give_role(supervisor, "shift_supervisor", shop.world.site)
    client = shop.tablet("badge-lena")
    body = client.get("/station/S1/A33/panel/").content.decode()
    assert 'data-open="override-start"' in body
    assert "It is recorded by name who did so, and why." in body
    sent = {"badge": "badge-lena", "pin": PIN, "sheet": "override-start"}
    status, body = shop.post(client, "override", "start", **sent, why=" ")
    assert (status, "Say why it is to go on" in body) == (409, True)
    status, body = shop.post(client, "override", "start", **sent, why="The customer waits.")
    assert (status, "Overridden by Lena. It is on record." in body) == (200, True)
    assert shop.reload().state == "running"
    (event,) = ledger("workflows.edge_overridden")
    assert event.actor_id == supervisor.pk
    assert SignedStep.objects.get().override_reason == "The customer waits."


def test_an_override_by_somebody_who_may_not_is_refused() -> None:
    shop = make_signed_shop(brake)
    status, body = shop.post(
        shop.tablet(), "override", "start", badge="badge-olga", pin=PIN, why="I want to go on.", sheet="override-start"
    )
    assert (status, "You may not" in body) == (409, True)


def test_what_is_overridden_is_still_signed() -> None:
    def both(content: Content) -> None:
        brake(content)
        by_code(content, "start")["signature"] = {"meaning": texts("Set up is right")}

    shop = make_signed_shop(both)
    give_role(shop.world.lena, "shift_supervisor", shop.world.site)
    client = shop.tablet("badge-lena")
    assert not way(shop, shop.world.olga, "start").is_open
    body = shop.post(client, "override", "start", badge="badge-lena", pin=PIN, why="Now.")[1]
    assert "The signatures come next." in body
    assert way(shop, shop.world.olga, "start").is_open
    assert shop.post(client, "sign", "start", badge="badge-olga", pin=PIN)[0] == 200
    assert shop.reload().state == "running"


# ---- what is not possible


def test_a_stopped_step_says_who_stopped_it_why_and_who_lifts_it(shop: SignedShop) -> None:
    stopped(shop, "approve_first", "The gauge is out for calibration.")
    found = way(shop, shop.world.ivan)
    assert found.exit.why_not == "“Approve first piece” has been stopped by Pia: The gauge is out for calibration."
    assert found.exit.owner.startswith("It can be resumed by: ")
    assert not found.is_open
    assert shop.post(shop.tablet(), "sign", "approve_first", **TYPED, **BADGE)[0] == 409


def test_hidden_disabled_and_offered_steps_look_as_their_engineer_says() -> None:
    never = {"conditions": [{"field": "good", "operator": ">", "value": 999, "sentence": texts("Not enough.")}]}

    def three(content: Content) -> None:
        by_code(content, "set_up").update(never, presentation="hidden")
        by_code(content, "start").update(never, presentation="offered")
        by_code(content, "hold").update(never, presentation="disabled", reason_required=False, reason_purpose="")

    shop = make_signed_shop(three)
    client = shop.tablet()
    body = client.get("/station/S1/A33/panel/").content.decode()
    assert 'value="set_up"' not in body
    buttons = {code: body.split(f'name="edge" value="{code}"')[1].split("</form>")[0] for code in ("start", "hold")}
    assert "disabled" not in buttons["start"]
    assert "disabled" in buttons["hold"]
    assert "Not enough." in buttons["hold"]
    status, body = shop.post(client, "take-edge", "start")
    assert (status, "<b>Not enough.</b>" in body) == (409, True)


def test_a_step_that_was_taken_as_often_as_it_may_says_so() -> None:
    def once(content: Content) -> None:
        by_code(content, "pause").update(at_most=1, reason_required=False, reason_purpose="")

    shop = make_signed_shop(once)
    shop.at("start", "pause", "resume")
    assert way(shop, shop.world.olga, "pause").exit.why_not.startswith("“Pause” was done 1 time")


# ---- versions, and what screens hear


def test_two_operations_on_two_versions_each_show_their_own_ways(shop: SignedShop) -> None:
    def plain(content: Content) -> None:
        content["edges"].append({**by_code(content, "show_first"), "code": "skip", "labels": texts("Skip it")})
        content["edges"][-1].update(target="paused", sources=["setting_up"])

    other = make_station(shop.world.line, "A34")
    shop.publish(plain)
    job = make_job(shop.world.line, other, number="WO-8")
    client = shop.tablet()
    old, new = (client.get(f"/station/S1/{code}/panel/").content.decode() for code in ("A33", "A34"))
    assert "Approve first piece" in old
    assert "Approve first piece" not in new
    status = client.post("/station/S1/A34/take-edge/", {"job": job.pk, "edge": "set_up"}).status_code
    assert status == 200
    new = client.get("/station/S1/A34/panel/").content.decode()
    assert new.index("First piece is made") < new.index("Skip it")
    assert "Skip it" not in client.get("/station/S1/A33/panel/").content.decode()
    assert shop.post(client, "sign", "approve_first", **TYPED, **BADGE)[0] == 200
    assert shop.reload().state == "running"


def test_what_all_screens_are_sent_changes_with_a_stop_and_with_a_signature() -> None:
    shop = make_signed_shop(first_article(signers=2))
    shop.at("set_up", "show_first")
    key = str(shop.world.station.pk)
    texts_sent = [station_fragment.render(key)]
    stopped(shop, "hold", "Not now.")
    texts_sent.append(station_fragment.render(key))
    shop.post(shop.tablet(), "sign", "approve_first", **TYPED, **BADGE)
    texts_sent.append(station_fragment.render(key))
    assert len(set(texts_sent)) == 3
    assert "Ivan" not in texts_sent[-1]


def test_a_signature_costs_the_panel_one_query_for_the_name(settings: Any) -> None:
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    shop = make_signed_shop(first_article(signers=3, roles=["inspector", "line_lead"]))
    shop.at("set_up", "show_first")
    client = shop.tablet()
    counts = []
    for badge in ("badge-ivan", "badge-iris"):
        shop.post(client, "sign", "approve_first", **(TYPED if badge == "badge-ivan" else {}), badge=badge, pin=PIN)
        counts.append(looked(client, "panel/ways/")[1])
    assert counts[1] == counts[0] + 1


def test_what_hangs_on_the_workflow_is_the_same_alone_and_in_the_panel_and_costs_less_alone(settings: Any) -> None:
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    shop = make_signed_shop(first_article(signers=2))
    shop.at("set_up", "show_first")
    client = shop.tablet()
    looked(client, "panel/")  # after this one the workflow is known
    whole, queries_of_whole = looked(client, "panel/")
    ways, queries_of_ways = looked(client, "panel/ways/")
    assert "Approve first piece" in ways
    assert ways.strip() in whole
    assert queries_of_ways <= queries_of_whole - 3


def looked(client: Client, part: str) -> tuple[str, int]:
    """What the station shows of it, and by how many queries."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"{STATION}/{part}")
    assert answer.status_code == 200
    return answer.content.decode(), len(queries)


# ---- from the phone


def at_desk(person: Person) -> Client:
    person.set_password(PASSWORD)
    person.save()
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def begun() -> SignedShop:
    """Ivan has signed the first article, and one more is needed."""
    shop = make_signed_shop(first_article(signers=2))
    shop.at("set_up", "show_first")
    assert shop.post(shop.tablet(), "sign", "approve_first", **TYPED, **BADGE)[0] == 200
    return shop


def test_what_waits_for_a_signature_is_on_the_phone_of_just_who_may_give_it(begun: SignedShop) -> None:
    world = begun.world
    pages = {person: at_desk(person).get("/phone/").content.decode() for person in (world.lena, world.ivan, world.olga)}
    address = f"/phone/sign/{SignedStep.objects.get().pk}/"
    assert [address in page for page in pages.values()] == [True, False, False]
    assert "Waits for your signature" in pages[world.lena]
    assert "Signed by Ivan; one more is needed." in pages[world.lena]
    for person, status in ((world.lena, 200), (world.ivan, 404), (world.olga, 404), (world.otto, 404)):
        assert at_desk(person).get(address).status_code == status
    assert Client().get(address).status_code == 302
    assert f"signatures:{world.site.pk}" in to_sign_fragment.topics(str(world.lena.pk))


def test_it_is_signed_on_the_phone_with_the_own_password(begun: SignedShop) -> None:
    client, address = at_desk(begun.world.lena), f"/phone/sign/{SignedStep.objects.get().pk}/"
    page = client.get(address).content.decode()
    assert "<dt>Torque</dt><dd>12.5 Nm</dd>" in page
    assert "Password of Lena" in page
    answer = client.post(address, {"password": "wrong"})
    assert (answer.status_code, "do not fit" in answer.content.decode()) == (409, True)
    assert begun.reload().state == "first_article"
    answer = client.post(address, {"password": PASSWORD})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/phone/")
    assert begun.reload().state == "running"
    assert Signature.objects.last().person_id == begun.world.lena.pk  # type: ignore[union-attr]
    assert client.get(address).status_code == 404
