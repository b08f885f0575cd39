"""Somebody asks that an item be made otherwise: assessed, approved by two, put into practice, closed; in the admin."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.materials.models import Item
from apps.orders.commands import request_change, take_change_step
from apps.orders.models import ChangeNote, ChangeRequest
from apps.plant.models import Person
from apps.workflows.definition import Definition
from apps.workflows.models import Photo, PhotoUse
from apps.workflows.packages.library import books
from apps.workflows.seeds import install
from apps.workflows.surroundings import surroundings_of
from tests.materials.stock_world import make_item
from tests.orders.shop import SYSTEM, make_shop
from tests.test_access import SHIPPED, at_desk
from tests.workflows.photos.pictures import HEIC, picture
from tests.world import PASSWORD, World, give_role, ledger, make_person, make_site, run

pytestmark = pytest.mark.django_db
ASKED = {"title": "A softer seal", "reason": "Anna Meier of ACME says that it leaks in the cold."}


class Office:
    """Petra and Paul engineer, Quinn and Quill are quality, Sven leads the shift, Olga operates."""

    def __init__(self, *, is_published: bool = True) -> None:
        self.world: World = make_shop().world
        for name, role in (
            ("petra", "process_engineer"), ("paul", "process_engineer"),
            ("quinn", "quality_engineer"), ("quill", "quality_lead"), ("sven", "shift_supervisor"),
        ):  # fmt: skip
            person = make_person(name, password=PASSWORD, is_staff=True, site=self.world.site)
            give_role(person, role, self.world.site)
            setattr(self, name, person)
        if is_published:
            content = books()["engineering_change"].package.objects[0].content
            run(install, SYSTEM, definition=Definition.model_validate(content))
        self.item: Item = make_item("ES-65")

    def who(self, name: str) -> Person:
        found: Person = getattr(self, name, None) or getattr(self.world, name)
        return found

    def ask(self, name: str = "sven", **more: Any) -> ChangeRequest:
        given = {"site_id": self.world.site.pk, "item_id": self.item.pk, **ASKED, **more}
        return ChangeRequest.objects.get(pk=run(request_change, self.who(name), **given))

    def step(self, request: ChangeRequest, name: str, edge: str, **inputs: Any) -> str:
        state: str = run(take_change_step, self.who(name), request_id=request.pk, edge=edge, inputs=inputs)
        return state

    def page(self, request: ChangeRequest) -> str:
        return f"/admin/orders/changerequest/{request.pk}/change/"

    def press(self, request: ChangeRequest, name: str, edge: str, *, button: str = "_step", **fields: Any) -> str:
        """In the admin, as the page's form sends it; what the page then says."""
        sent = {name.replace("__", "."): value for name, value in fields.items()}
        answer = at_desk(self.who(name)).post(
            self.page(request), {button: edge, "command_id": str(uuid4()), **sent}, follow=True
        )
        return answer.content.decode()

    def state(self, request: ChangeRequest) -> str:
        return ChangeRequest.objects.get(pk=request.pk).state


@pytest.fixture
def office() -> Office:
    return Office()


def refused(act: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(CommandRefused) as caught:
        act(*given, **more)
    return caught.value.code


def test_it_is_asked_for_by_name_and_the_ledger_keeps_no_free_text(office: Office) -> None:
    request = office.ask()
    assert (request.state, request.status, request.requested_by_id) == ("requested", "requested", office.sven.pk)
    (event,) = ledger("orders.change_requested")
    assert (event.subject_kind, event.subject_id) == ("change_request", str(request.pk))
    assert event.site_id == office.world.site.pk
    assert "Meier" not in str(LedgerEvent.objects.values_list("data", flat=True))
    assert not {"title", "reason"} & {field.name for field in ChangeRequest.history.model._meta.get_fields()}
    around = surroundings_of("change_request", request.pk, {})
    assert (around.site, around.item) == (office.world.site.code, office.item.code)


def test_without_a_workflow_it_says_who_publishes_one() -> None:
    office = Office(is_published=False)
    with pytest.raises(CommandRefused, match="A process engineer publishes one in the admin"):
        office.ask()
    assert not ChangeRequest.objects.exists()


def test_what_can_not_be_asked_for(office: Office) -> None:
    other = make_site("S9")
    stranger = make_person("olrik")
    assert refused(office.ask, title=" ") == "says_nothing"
    assert refused(office.ask, item_id=999_999) == "not_found"
    assert refused(office.ask, site_id=other.pk, work_center_id=office.world.line.pk) == "other_site"
    assert refused(office.ask, site_id=other.pk) == "not_allowed"
    give = {"site_id": office.world.site.pk, "item_id": office.item.pk, **ASKED}
    assert refused(run, request_change, stranger, **give) == "not_allowed"
    assert not ChangeRequest.objects.exists()


def test_its_state_changes_along_its_workflow_only(office: Office) -> None:
    request = office.ask()
    assert refused(office.step, request, "petra", "close") == "wrong_state"
    assert refused(office.step, request, "olga", "assess") == "not_allowed"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orders_changerequest SET state = 'approved', status = 'approved'")
    assert office.state(request) == "requested"


def test_from_the_wish_to_the_closed_change_in_the_admin(office: Office) -> None:
    sven = at_desk(office.sven)
    sent = {"site": office.world.site.pk, "item": office.item.pk, "work_center": office.world.line.pk, **ASKED}
    assert sven.post("/admin/orders/changerequest/add/", sent).status_code == 302
    request = ChangeRequest.objects.get()
    assert "A softer seal" in sven.get("/admin/orders/changerequest/").content.decode()
    page = sven.get(office.page(request)).content.decode()
    assert "It can be done by" in page, "who may not take a step reads who may"
    office.press(request, "petra", "assess", input__impact="Seal and drawing 17", yes_no__uses_up_stock="yes")
    assert office.state(request) == "assessed"
    assert "password" in office.press(request, "quinn", "approve_quality", password="wrong").lower()
    assert office.state(request) == "assessed"
    office.press(request, "quinn", "approve_quality", password=PASSWORD)
    assert office.state(request) == "quality_approved"
    office.press(request, "petra", "approve_engineering", password=PASSWORD)
    assert office.state(request) == "approved"
    shot = BytesIO(picture())
    shot.name = "seal.jpg"
    said = office.press(request, "sven", "implement", input__from_order="WO-77", photo__proof=[shot])
    assert office.state(request) == "implemented"
    photo = Photo.objects.get()
    assert PhotoUse.objects.get().photo_id == photo.pk
    assert f'src="/photos/{photo.pk}/small/"' in said, "the page's story shows it"
    office.press(request, "quill", "close", input__result="No leak since")
    assert ChangeRequest.objects.get().status == "closed"
    page = at_desk(office.petra).get(office.page(request)).content.decode()
    for told in (
        "Assess",
        "Approve for quality: signed",
        "Approve for engineering",
        "Put into practice",
        "Petra",
        "Quinn",
    ):
        assert told in page
    assert ChangeRequest.history.count() == 6
    for typed in ("Seal and drawing 17", "No leak since"):
        assert typed in page
        assert typed not in str(LedgerEvent.objects.values_list("data", flat=True))
    assert [note.text for note in ChangeNote.objects.all()] == ["Seal and drawing 17", "WO-77", "No leak since"]


def test_a_file_that_is_no_picture_is_said_and_nothing_is_done(office: Office) -> None:
    request = office.ask()
    office.step(request, "petra", "assess", impact="x", uses_up_stock=True)
    office.press(request, "quinn", "approve_quality", password=PASSWORD)
    office.press(request, "petra", "approve_engineering", password=PASSWORD)
    shot = BytesIO(HEIC)
    shot.name = "seal.heic"
    assert "HEIC" in office.press(request, "sven", "implement", input__from_order="WO-77", photo__proof=[shot])
    assert (office.state(request), Photo.objects.count()) == ("approved", 0)


class TestNobodyApprovesTheirOwn:
    def test_whatever_the_workflow_says(self, office: Office) -> None:
        request = office.ask("quinn")
        office.step(request, "petra", "assess", impact="x", uses_up_stock=False)
        assert "somebody else approves it" in office.press(request, "quinn", "approve_quality", password=PASSWORD)
        assert office.state(request) == "assessed"
        office.press(request, "quill", "approve_quality", password=PASSWORD)
        assert office.state(request) == "quality_approved"

    def test_nor_what_they_have_assessed_or_approved_already(self, office: Office) -> None:
        request = office.ask()
        office.step(request, "quinn", "assess", impact="x", uses_up_stock=False)
        assert "so somebody else signs" in office.press(request, "quinn", "approve_quality", password=PASSWORD)
        assert refused(office.step, request, "quill", "approve_quality") == "signature_missing"


def test_a_broken_step_is_overridden_by_name_with_a_reason_and_the_own_password(office: Office) -> None:
    content = books()["engineering_change"].package.objects[0].content
    assess = next(edge for edge in content["edges"] if edge["code"] == "assess")
    assess |= {"expression": "1 / (size(item) - 5) > -5", "expression_sentence": {"en": "No.", "de": "Nein."}}
    run(install, SYSTEM, definition=Definition.model_validate(content))
    request = office.ask()
    said = office.press(request, "petra", "assess", input__impact="Seal 17", yes_no__uses_up_stock="yes")
    assert "can&#x27;t be checked" in said
    shown = at_desk(office.petra).get(office.page(request)).content.decode()
    assert 'name="_override" value="assess"' in shown
    given = {"input__impact": "Seal 17", "yes_no__uses_up_stock": "yes", "password": PASSWORD}
    assert "Say why" in office.press(request, "petra", "assess", button="_override", why=" ", **given)
    office.press(request, "petra", "assess", button="_override", why="Customer waits.", **given | {"password": "no"})
    assert office.state(request) != "assessed"
    said = office.press(request, "petra", "assess", button="_override", why="The customer waits.", **given)
    assert "Done: " in said
    assert request.notes.get().text == "Seal 17"
    (event,) = ledger("workflows.edge_overridden")
    assert event.actor_id == office.petra.pk


def test_a_rejected_one_says_why_and_goes_nowhere(office: Office) -> None:
    request = office.ask()
    assert refused(office.step, request, "quinn", "reject") == "input_missing"
    assert office.step(request, "quinn", "reject", reason="Too dear") == "rejected"
    assert refused(office.step, request, "petra", "assess", impact="x") == "wrong_state"


@pytest.mark.parametrize("role", SHIPPED)
def test_who_asks_and_who_acts_is_said_by_the_roles(role: str, office: Office) -> None:
    request = office.ask()
    person = make_person(is_staff=True)
    give_role(person, role, office.world.site)
    client: Client = at_desk(person)
    actions = SHIPPED[role]
    sees = "orders.view" in actions or "orders.request_change" in actions
    assert ("A softer seal" in client.get(office.page(request)).content.decode()) == sees
    asks = {"site_id": office.world.site.pk, "item_id": office.item.pk, **ASKED}
    if "orders.request_change" in actions:
        assert run(request_change, person, **asks)
    else:
        assert refused(run, request_change, person, **asks) == "not_allowed"
