"""The engineers' pages of rules, as a browser sends them: draft, edit, review, publish, off, on."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.workflows.effects import EFFECTS
from apps.workflows.models import RuleFailure, RuleStop, RuleVersion
from apps.workflows.packages.file import read
from apps.workflows.rules.commands import draft_rule
from apps.workflows.rules.definition import RuleSpec
from tests.workflows.rules.bells import SYSTEM, alarms, failing, publish, ring, spec
from tests.workflows.testapp.effects import Rung
from tests.world import PASSWORD, give_role, make_line, make_person, make_role, make_site, run

pytestmark = pytest.mark.django_db

ENGINEER = ("workflows.view", "workflows.edit", "workflows.publish", "workflows.stop_rule")
ADD = "admin:workflows_ruleversion_add"


def signed_in(name: str, *actions: str) -> Client:
    person = make_person(name, password=PASSWORD, is_staff=True)
    give_role(person, make_role(f"role_of_{name}", *actions))
    client = Client()
    assert client.login(username=name, password=PASSWORD)
    return client


@pytest.fixture
def pia() -> Client:
    return signed_in("pia", *ENGINEER)


def page(version: RuleVersion | int) -> str:
    pk = version if isinstance(version, int) else version.pk
    return reverse("admin:workflows_ruleversion_change", args=[pk])


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def press(client: Client, version: RuleVersion, name: str, text: str = ""):
    forms = re.findall(r"<form.*?</form>", html(client, page(version)), re.DOTALL)
    form = next(form for form in forms if f'value="{name}"' in form)
    command_id = re.search(r'name="command_id" value="([^"]+)"', form).group(1)
    answer = client.post(page(version), {"_do": name, "command_id": command_id, "text": text}, follow=True)
    assert "/admin/workflows/ruleversion/" in answer.request["PATH_INFO"], "it goes on at a rule's page"
    return answer


def publish_page(version: RuleVersion | int) -> str:
    pk = version if isinstance(version, int) else version.pk
    return reverse("admin:workflows_ruleversion_publish", args=[pk])


def act(client: Client, version: RuleVersion, do: str, **inputs: Any) -> str:
    """A button of the page "Publish"; what the page says then."""
    shown = html(client, publish_page(version))
    forms = re.findall(r"<form.*?</form>", shown, re.DOTALL)
    form = next(form for form in forms if f'value="{do}"' in form)
    command_id = re.search(r'name="command_id" value="([^"]+)"', form).group(1)
    answer = client.post(publish_page(version), {"_do": do, "command_id": command_id, **inputs}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


TYPED: dict[str, Any] = {
    "do": "save",
    "rule-name": "Loud bells",
    "rule-code": "",
    "rule-event": Rung.kind,
    "rule-expression": "",
    "rule-same": ["line", "event.reason"],
    "rule-count": "3",
    "rule-minutes": "",
    "rule-days": "",
    "rule-of": "events",
    "rule-cool_down_minutes": "10",
    "rule-after_seconds": "",
    "rule-per_minute": "20",
    "conditions-count": "1",
    "conditions-0-field": "event.loudness",
    "conditions-0-operator": "<",
    "conditions-0-value": "5",
    "scope-count": "1",
    "scope-0-site": "",
    "scope-0-line": "L3",
    "scope-0-item": "ES-65",
    "scope-0-customer": "",
    "actions-count": "1",
    "actions-0-code": "ring",
    "actions-0-with_text": "alarm",
    "actions-0-with_loudness": "9",
}


def test_a_new_rule_is_typed_and_saved_as_it_was_meant(pia):
    make_line(code="L3")
    answer = pia.post(reverse(ADD), TYPED)
    version = RuleVersion.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page(version))
    assert RuleSpec.model_validate(version.content) == spec(
        scope=[{"line": "L3", "item": "ES-65"}],
        same=["line", "event.reason"],
        window={"count": 3},
        cool_down_minutes=10,
    )


def test_what_is_stored_comes_back_so_that_saving_it_changes_nothing(pia):
    make_line(code="L3")
    pia.post(reverse(ADD), TYPED)
    version = RuleVersion.objects.get()
    shown = html(pia, page(version))
    for text in ("Loud bells", "ES-65", 'value="alarm"', 'value="5"', "event.loudness"):
        assert text in shown
    pia.post(page(version), {**TYPED, "based_on": version.checksum})
    assert RuleVersion.objects.get().checksum == version.checksum


def test_one_that_counts_things_within_days_is_typed_and_comes_back(pia):
    make_line(code="L3")
    pia.post(reverse(ADD), {**TYPED, "rule-days": "30", "rule-of": "things"})
    version = RuleVersion.objects.get()
    window = RuleSpec.model_validate(version.content).window
    assert (window.count, window.days, window.minutes, window.of) == (3, 30, None, "things")
    shown = html(pia, page(version))
    assert 'value="things" selected' in shown
    pia.post(page(version), {**TYPED, "rule-days": "30", "rule-of": "things", "based_on": version.checksum})
    assert RuleVersion.objects.get().checksum == version.checksum


def test_a_window_has_one_length_and_a_number(pia):
    both = pia.post(reverse(ADD), {**TYPED, "rule-minutes": "5", "rule-days": "1"})
    assert "Give minutes or days, not both." in unescape(both.content.decode())
    none = pia.post(reverse(ADD), {**TYPED, "rule-count": "", "rule-days": "1"})
    assert "Say how often within this time." in unescape(none.content.decode())
    assert not RuleVersion.objects.exists()


def test_a_rule_that_waits_is_typed_and_shows_what_it_looks_at_again(pia):
    typed = {**TYPED, "rule-after_seconds": "600", "scope-count": "0", "rule-count": "", "rule-cool_down_minutes": ""}
    pia.post(reverse(ADD), typed)
    version = RuleVersion.objects.get()
    assert RuleSpec.model_validate(version.content).after_seconds == 600
    shown = html(pia, page(version))
    assert re.search(r'name="rule-after_seconds"[^>]*value="600"|value="600"[^>]*name="rule-after_seconds"', shown)
    assert "acts later, whatever happens" in shown
    press(pia, version, "submit")
    act(signed_in("paul", *ENGINEER), version, "publish", note="Later.")
    event_id = ring()
    shown = html(pia, page(version)).partition("What it looks at again")[2]
    assert f"Bell rung {event_id}" in shown


def test_more_than_thirty_days_is_no_time_to_wait(pia):
    answer = pia.post(reverse(ADD), {**TYPED, "rule-after_seconds": "2592001"})
    assert "less than or equal to 2592000" in unescape(answer.content.decode())


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(pia):
    answer = pia.post(reverse(ADD), {**TYPED, "rule-expression": "event.volume > 1.0", "actions-0-with_loudness": "11"})
    shown = unescape(answer.content.decode())
    assert not RuleVersion.objects.exists()
    assert "event.volume is no declared field" in shown
    assert "less than or equal to 10" in shown
    assert "Not saved yet" in shown
    assert 'value="alarm"' in shown


def test_another_event_brings_other_facts_and_nothing_is_saved(pia):
    typed = {**TYPED, "do": "refresh", "rule-event": "equipment.stop_opened"}
    shown = unescape(pia.post(reverse(ADD), typed).content.decode())
    assert 'value="event.by_hand"' in shown
    assert 'value="event.work_unit_id"' not in shown, "a number that only this database knows"
    assert not RuleVersion.objects.exists()


def test_values_that_such_events_had_are_suggested(pia):
    make_line(code="L3")
    for line, loudness in (("L3", 2), ("L4", 7), ("gone", 7)):
        ring(line, loudness=loudness)
    suggested = {"event.loudness": ["2", "7"], "line": ["L3", "L4"], "event.why": ["by hand"], "subject.is_ringing": []}
    for field, values in suggested.items():
        typed = TYPED | {
            "do": "refresh",
            "conditions-0-field": field,
            "conditions-0-operator": "=",
            "conditions-0-value": "",
        }
        answer = pia.post(reverse(ADD), typed).content.decode()
        found = re.search(r'<datalist id="seen-conditions-0">(.*?)</datalist>', answer, re.DOTALL)
        assert re.findall(r'value="([^"]+)"', found[1] if found else "") == values, field


def test_rows_come_and_go(pia):
    def rows(do: str) -> str:
        return unescape(pia.post(reverse(ADD), {**TYPED, "do": do}).content.decode())

    assert 'name="conditions-count" value="2"' in rows("row conditions add")
    assert 'name="actions-count" value="0"' in rows("row actions remove 0")


def test_rows_can_be_added_to_a_new_rule_before_anything_else_is_said(pia):
    for rows in ("conditions", "scope", "actions"):
        answer = pia.post(reverse(ADD), {"do": f"row {rows} add", "rule-per_minute": "20"})
        assert f'name="{rows}-count" value="1"' in answer.content.decode()
    answer = pia.post(reverse(ADD), {"do": "save", "conditions-count": "1", "actions-count": "1"})
    assert "Not saved yet" in answer.content.decode()
    assert not RuleVersion.objects.exists()


def test_two_who_edit_one_draft_do_not_overwrite_each_other(pia):
    make_line(code="L3")
    pia.post(reverse(ADD), TYPED)
    version = RuleVersion.objects.get()
    pia.post(page(version), {**TYPED, "rule-per_minute": "3", "based_on": version.checksum})
    late = pia.post(page(version), {**TYPED, "rule-per_minute": "4", "based_on": version.checksum})
    assert "Somebody else has saved this draft meanwhile" in unescape(late.content.decode())
    assert RuleVersion.objects.get().content["per_minute"] == 3


def test_from_draft_to_a_rule_in_force_by_two_people(pia):
    paul = signed_in("paul", *ENGINEER)
    pia.post(reverse(ADD), {**TYPED, "scope-count": "0", "rule-count": "", "rule-cool_down_minutes": ""})
    version = RuleVersion.objects.get()
    press(pia, version, "submit")
    assert "Someone other than you must approve." in html(pia, publish_page(version))
    act(paul, version, "publish", note="Alarm for soft bells.")
    ring()
    assert len(alarms()) == 1
    shown = html(pia, page(version))
    assert "What it has done last" in shown
    assert "tests.rung" in shown
    press(pia, version, "copy")
    assert RuleVersion.objects.count() == 2


def test_off_and_on_again_with_who_and_why(pia):
    version = publish(spec())
    press(pia, version, "stop", "Too loud for the visitors.")
    shown = html(pia, page(version))
    assert "Pia: Too loud for the visitors." in shown
    ring()
    assert alarms() == []
    press(pia, version, f"resume-{RuleStop.objects.get().pk}")
    ring()
    assert len(alarms()) == 1


def test_failures_are_on_the_page_and_can_be_settled(pia):
    site = make_site()
    version = publish(failing("refuse"))
    ring(site_id=site.pk)
    shown = html(pia, page(version))
    assert "Not now. Ask Lena." in shown
    press(pia, version, f"settle-{site.pk}-0")
    assert not RuleFailure.objects.unsettled().exists()
    for _ in range(3):
        ring(site_id=site.pk)
    assert "by itself, after it has failed" in html(pia, page(version))


def test_who_only_reads_sees_no_button_and_saves_nothing():
    version = publish(spec())
    vera = signed_in("vera", "workflows.view")
    assert vera.get(reverse("admin:workflows_ruleversion_changelist")).status_code == 200
    shown = html(vera, page(version))
    assert 'name="_do"' not in shown
    assert '<fieldset class="studio-fields" disabled' in shown
    assert vera.post(page(version), TYPED).status_code == 403
    assert vera.get(reverse(ADD)).status_code == 403


def test_who_has_no_right_sees_nothing():
    version = publish(spec())
    nora = signed_in("nora", "plant.view_plant")
    assert nora.get(page(version)).status_code == 403
    assert nora.get(reverse("admin:workflows_ruleversion_changelist")).status_code == 403


def test_every_effect_of_the_product_can_be_typed_in_every_language(pia):
    ours = [effect for effect in EFFECTS.values() if effect.apply.__module__.startswith("apps.")]
    assert len(ours) > 5
    for language in ("en", "de"):
        for effect in ours:
            typed = {**TYPED, "do": "refresh", "actions-0-code": effect.code}
            answer = pia.post(reverse(ADD), typed, headers={"accept-language": language})
            shown = answer.content.decode()
            for name in effect.parameters.model_fields:
                assert f"actions-0-with_{name}" in shown, (effect.code, language)


def test_rules_are_taken_to_another_plant_as_one_file(pia):
    make_line(code="L3")
    pia.post(reverse(ADD), TYPED)
    version = RuleVersion.objects.get()
    form = {"action": "export_package", "_selected_action": [version.pk]}
    answer = pia.post(reverse("admin:workflows_ruleversion_changelist"), form)
    (packed,) = read(answer.content).objects
    assert (packed.kind, packed.content) == ("rule", version.content)


class TestACopyOfItsOwn:
    """Of a shipped rule: the copy is another rule, and the one it comes from goes on as it is."""

    def test_has_a_name_and_a_code_of_its_own(self, pia: Client) -> None:
        shipped = publish(spec())
        press(pia, shipped, "copy_as", "Very loud bells on L3")
        draft = RuleVersion.objects.latest("pk")
        assert (draft.rule.code, draft.rule.name, draft.number) == ("very_loud_bells_on_l3", "Very loud bells on L3", 1)
        assert draft.status == "draft"
        assert {**draft.content, "code": "", "name": ""} == {**shipped.content, "code": "", "name": ""}
        shipped.rule.refresh_from_db()
        assert (shipped.rule.code, shipped.rule.name) == ("loud_bells", "Loud bells")
        ring()
        assert len(alarms()) == 1, "the one it is copied from is in force"

    @pytest.mark.parametrize("name", ["Loud bells", "!!!"])
    def test_is_refused_without_one(self, pia: Client, name: str) -> None:
        shipped = publish(spec())
        answer = press(pia, shipped, "copy_as", name)
        assert re.search("Name the new one otherwise|Give the new rule a name", unescape(answer.content.decode()))
        assert RuleVersion.objects.count() == 1

    def test_is_made_by_who_may_edit_only(self) -> None:
        shipped = publish(spec())
        assert "Copy as a rule of its own" not in html(signed_in("vera", "workflows.view"), page(shipped))


# ---- its life on the pages


def drafted(client: Client, **typed: Any) -> RuleVersion:
    content = {**TYPED, "scope-count": "0", "rule-count": "", "rule-cool_down_minutes": "", "rule-same": [], **typed}
    client.post(reverse(ADD), content)
    return RuleVersion.objects.order_by("-pk")[0]


def saved(client: Client, version: RuleVersion, **typed: Any) -> RuleVersion:
    content = {**TYPED, "scope-count": "0", "rule-count": "", "rule-cool_down_minutes": "", "rule-same": [], **typed}
    client.post(page(version), {**content, "based_on": version.checksum})
    version.refresh_from_db()
    return version


def test_undo_and_redo_name_what_they_take_back(pia):
    version = saved(pia, drafted(pia), **{"rule-per_minute": "3", "rule-name": "Louder bells"})
    shown = html(pia, page(version))
    assert re.search(r'value="undo"[^>]*>.*?Undo<span[^>]*>name, at most so often a minute<', shown, re.DOTALL)
    form = next(form for form in re.findall(r"<form.*?</form>", shown, re.DOTALL) if 'value="undo"' in form)
    fields = dict(re.findall(r'name="(command_id|based_on)" value="([^"]+)"', form))
    for _ in range(2):
        pia.post(page(version), {"do": "undo", **fields})
    version.refresh_from_db()
    assert (version.content["per_minute"], version.content["name"]) == (20, "Loud bells"), "a double click is one step"
    shown = html(pia, page(version))
    assert re.search(r'value="undo"[^>]* disabled', shown)
    pia.post(page(version), {"do": "redo", "command_id": str(uuid4()), "based_on": version.checksum})
    version.refresh_from_db()
    assert version.content["per_minute"] == 3


def test_a_draft_beside_the_version_in_force_with_who_changed_what(pia):
    first = publish(spec())
    press(pia, first, "copy")
    draft = saved(pia, RuleVersion.objects.get(number=2), **{"rule-per_minute": "3"})
    shown = html(pia, reverse("admin:workflows_ruleversion_compare", args=[draft.pk]))
    assert "against version 1, in force since" in shown
    assert re.search(r"<b>at most so often a minute</b>.*?<del>20</del> → <ins>3</ins>", shown, re.DOTALL)
    beside_itself = html(pia, reverse("admin:workflows_ruleversion_compare", args=[first.pk]) + "?against=2")
    assert re.search(r"<del>3</del> → <ins>20</ins>", beside_itself)
    alone = html(pia, reverse("admin:workflows_ruleversion_compare", args=[drafted(pia, **{"rule-name": "Others"}).pk]))
    assert "It is the first version of this rule." in alone


def test_its_history_names_who_only_to_those_who_may_read_the_ledger(pia):
    version = saved(pia, drafted(pia), **{"rule-per_minute": "3"})
    address = reverse("admin:workflows_ruleversion_history", args=[version.pk])
    shown = html(pia, address)
    assert "at most so often a minute" in shown
    assert "<td>Pia</td>" not in shown
    auditor = signed_in("anna", "workflows.view", "core.view_ledger")
    assert "<td>Pia</td>" in html(auditor, address)


def test_on_one_line_first_then_on_all_then_back_from_the_page(pia):
    paul = signed_in("paul", *ENGINEER)
    line = make_line(code="L3")
    first = publish(spec())
    press(pia, first, "copy")
    draft = saved(pia, RuleVersion.objects.get(number=2), **{"rule-per_minute": "3"})
    act(pia, draft, "submit")
    shown = act(paul, draft, "publish", where="first", first_on=line.pk, note="Tried on L3.")
    assert "It holds only on:" in shown
    listed = html(pia, reverse("admin:workflows_ruleversion_changelist"))
    assert "on some lines first" in listed
    assert "everywhere" in listed
    assert "<b>L3</b>" in shown
    assert "Take it back: the version beside it holds again" in shown
    shown = act(paul, draft, "widen")
    assert "On all lines since" in shown
    shown = act(paul, draft, "roll_back", back_to=first.pk, reason="It rings too often.")
    assert "Version 3, published" in shown
    assert list(RuleVersion.objects.order_by("number").values_list("status", flat=True)) == [
        "retired",
        "retired",
        "published",
    ]


def test_what_the_button_that_retires_does_is_said(pia):
    paul = signed_in("paul", *ENGINEER)
    first = publish(spec())
    press(pia, first, "copy")
    draft = saved(pia, RuleVersion.objects.get(number=2), **{"rule-per_minute": "3"})
    act(pia, draft, "submit")
    act(paul, draft, "publish", when="at", at="2030-01-01T06:00", note="Later.")
    assert "Retire: it follows nothing any more" in html(paul, publish_page(first)), "the other only waits"
    assert "Take it back: the version beside it holds again" in html(paul, publish_page(draft))
    assert "The way back" not in html(paul, publish_page(first)), "what has never held is no way back"


def test_some_line_is_ticked(pia):
    paul = signed_in("paul", *ENGINEER)
    make_line(code="L3")
    draft = drafted(pia)
    act(pia, draft, "submit")
    assert "Choose the lines that try it first" in act(paul, draft, "publish", where="first", note="Tried.")
    assert RuleVersion.objects.get(pk=draft.pk).status == "in_review"


def test_an_event_that_is_no_more_is_said_on_the_page(pia):
    draft = RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=spec(event="gone.with_the_wind", actions=[])))
    assert "gone.with_the_wind is no event that a rule can follow." in html(pia, publish_page(draft))


def test_from_a_date_on_from_the_page(pia):
    paul = signed_in("paul", *ENGINEER)
    draft = drafted(pia)
    act(pia, draft, "submit")
    assert "Say from when" in act(paul, draft, "publish", when="at", at="", note="Later.")
    shown = act(paul, draft, "publish", when="at", at="2030-01-01T06:00", note="With the new year.")
    assert re.search(r"Takes effect by itself: [^<]*2030", shown)
    shown = act(paul, draft, "retire")
    assert "It follows nothing any more." in shown


def test_what_keeps_a_draft_from_review_is_counted_on_the_button(pia):
    draft = RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=spec(actions=[])))
    assert re.search(r'value="submit" disabled>Send for review: 1 thing left', html(pia, publish_page(draft)))
    reader = signed_in("rita", "workflows.view")
    assert 'name="_do"' not in html(reader, publish_page(draft))


def cell(shown: str, name: str) -> str:
    """What stands at a field."""
    return shown.partition(f"studio-cell studio-cell-{name}")[2].partition('<div class="studio-cell ')[0]


def test_what_the_check_has_found_stands_at_its_field(pia):
    draft = RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=spec(actions=[], same=["line"], after_seconds=60)))
    shown = html(pia, page(draft))
    assert "The check has found 1 error, 2 warnings: each stands at its field." in shown
    assert 'data-code="nothing_counted"' in cell(shown, "same")
    assert 'data-code="nothing_asked_again"' in cell(shown, "after_seconds")
    actions = shown.partition('aria-label="Then"')[2].partition("</section>")[0]
    assert "it does nothing." in actions
    assert shown.count("data-code=") == 3, "each once"
