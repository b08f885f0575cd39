"""On the phone: an answer whose step is broken, given nevertheless, by name."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.workflows.definition import Definition
from apps.workflows.models import SignedStep, Version
from apps.workflows.rows import to_definition
from tests.andon.floor import fresh, make_floor
from tests.e2e.conftest import Floor
from tests.e2e.test_publish import desk
from tests.e2e.test_steps import take_picture
from tests.workflows.workshop import published
from tests.world import PASSWORD

pytestmark = pytest.mark.browser


def test_a_broken_answer_is_overridden_at_the_thumb(floor: Floor) -> None:
    plant = make_floor()
    content = to_definition(Version.objects.get(workflow__code="exception")).model_dump(mode="json")
    for edge in content["edges"]:
        if edge["code"] == "acknowledge":  # “downtime” has eight letters
            edge.update(expression="1 / (size(type) - 8) > -5", expression_sentence={"en": "No.", "de": "Nein."})
    published(Definition.model_validate(content))
    plant.sven.set_password(PASSWORD)
    plant.sven.is_staff = True
    plant.sven.save()
    stop = plant.stop()

    phone = desk(floor, plant.sven.username)
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.goto(f"{floor.base}/phone/{stop.pk}/")
    phone.get_by_role("button", name="I am going to").click()
    expect(phone.locator("#notice")).to_contain_text("The rule behind it has to be mended.")
    take_picture(phone, "phone-broken")
    phone.get_by_role("button", name="Override: Take it").click()
    sheet = phone.locator("#override-sheet")
    sheet.get_by_label("Why it can't wait").fill("The line stands.")
    sheet.get_by_label("Password of").fill("wrong")
    take_picture(phone, "phone-override")
    sheet.get_by_role("button", name="Override, by my name").click()
    expect(sheet).to_contain_text("do not fit")
    expect(sheet.get_by_label("Why it can't wait")).to_have_value("The line stands.")
    sheet.get_by_label("Password of").fill(PASSWORD)
    sheet.get_by_role("button", name="Override, by my name").click()
    expect(phone.get_by_role("button", name="I am at it")).to_be_visible()
    expect(sheet).to_have_count(0)
    assert (fresh(stop).status, fresh(stop).owner_id) == ("acknowledged", plant.sven.pk)
    assert SignedStep.objects.get().override_reason == "The line stands."
