"""One edge on its page: who, what holds it, what it asks for, who signs, what follows."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

import pytest
from django.utils import translation

from apps.plant.models import Site
from apps.workflows.definition import ConditionSpec, EffectSpec, SignatureSpec, Texts, WhereSpec
from apps.workflows.effects import EFFECTS, Choice, Effect, EffectParameters, parameter
from tests.workflows.studio.sent import desk_of, fields_of, said
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import make_area, make_line

pytestmark = pytest.mark.django_db

START = "?edge=start@ready"


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def desk(shop):
    return desk_of("pia", shop.version)


def condition(field, operator, value, at=0, sentence="No."):
    row = f"conditions-{at}-"
    return {
        "conditions-count": at + 1, f"{row}field": field, f"{row}operator": operator, f"{row}value": value,
        f"{row}sentence_en": sentence,
    }  # fmt: skip


def asked(label, type_, at=0, **more):
    row = f"inputs-{at}-"
    own = {f"{row}{key}": value for key, value in more.items()}
    return {"inputs-count": at + 1, f"{row}type": type_, f"{row}labels_en": label, f"{row}required": "on", **own}


class TestTheEdgeItself:
    def test_a_new_one_starts_at_the_state_it_was_added_to(self, desk):
        typed = {"edge-labels_en": "Send back", "edge-target": "ready", "edge-roles": ["operator"]}
        page = desk.get("?edge=new@running")
        assert fields_of(page, "studio-form")["edge-sources"] == ["running"]
        answer = desk.send("?edge=new@running", "save", **typed)
        assert answer.status_code == 302, said(answer)
        assert desk.edge("send_back").sources == ["running"]
        assert answer.headers["Location"].endswith("?edge=send_back%40running")

    def test_several_sources_roles_and_skills_are_picked_from_the_plant(self, desk):
        typed = {"edge-sources": ["ready", "paused"], "edge-roles": ["line_lead"], "edge-skills": ["welding"]}
        assert desk.send(START, "save", **typed).status_code == 302
        edge = desk.edge("start")
        assert (edge.sources, edge.roles, edge.skills) == (["ready", "paused"], ["line_lead"], ["welding"])
        assert "Select a valid choice" in said(desk.send(START, "save", **{"edge-roles": ["pilot"]}))

    def test_without_a_source_it_is_none(self, desk):
        assert "This field is required." in said(desk.send(START, "save", **{"edge-sources": None}))

    def test_how_often_and_how_it_is_shown(self, desk):
        desk.send(START, "save", **{"edge-at_most": "3", "edge-presentation": "offered"})
        assert (desk.edge("start").at_most, desk.edge("start").presentation) == (3, "offered")
        assert "less than or equal to 1000" in said(desk.send(START, "save", **{"edge-at_most": "1001"}))

    def test_a_reason_is_required_and_chosen_from_the_plants_reasons(self, desk):
        desk.send(START, "save", **{"edge-reason_required": "on", "edge-reason_purpose": "pause"})
        assert (desk.edge("start").reason_required, desk.edge("start").reason_purpose) == (True, "pause")

    def test_removed_and_undone(self, desk):
        answer = desk.send(START, "remove")
        assert answer.headers["Location"].endswith("?state=ready")
        assert "start" not in {edge.code for edge in desk.now.edges}
        desk.send("", "undo", form="studio-steps")
        assert desk.now == thing_workflow()


class TestConditions:
    @pytest.mark.parametrize(
        ("field", "operator", "typed", "stored"),
        [
            ("quantity", ">=", "12", 12),
            ("quantity", "<", "0.5", 0.5),
            ("quantity", "in", "1; 2.5", [1, 2.5]),
            ("name", "=", "12", "12"),
            ("name", "not in", "bolt; nut", ["bolt", "nut"]),
            ("is_locked", "=", "false", False),
            ("tags", "=", "hot; cold", ["hot", "cold"]),
            ("name", "not empty", None, None),
        ],
    )
    def test_a_value_is_typed_as_the_field_is(self, desk, field, operator, typed, stored):
        answer = desk.send(START, "save", **condition(field, operator, typed))
        assert answer.status_code == 302, said(answer)
        (kept,) = desk.edge("start").conditions
        assert kept == ConditionSpec(field=field, operator=operator, value=stored, sentence={"en": "No."})
        assert type(kept.value) is type(stored)
        assert desk.send(START, "save").status_code == 302
        assert desk.edge("start").conditions == [kept], "opened and saved, it is the same"

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            (condition("quantity", "=", "many"), "many is not a number."),
            (condition("quantity", "=", "NaN"), "NaN is not a number."),
            (condition("quantity", "=", ""), "This field is required."),
            (condition("name", "=", "x", sentence=""), "Say it in at least one language."),
            (condition("colour", "=", "x"), "colour is not one of the available choices."),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_all_else_stays(self, desk, typed, sentence):
        answer = desk.send(START, "save", **{"edge-labels_en": "Typed", **typed})
        assert sentence in said(answer)
        assert fields_of(answer.content.decode(), "studio-form")["edge-labels_en"] == "Typed"
        assert desk.now == thing_workflow()

    def test_values_that_things_have_are_suggested(self, shop, desk):
        for name, quantity in (("bolt", 5), ("nut", Decimal("7.50"))):
            shop.thing("waiting", name=name, quantity=quantity)
        for field, values in (("name", ["bolt", "nut"]), ("quantity", ["5", "7.5"]), ("broken", [])):
            answer = desk.send(START, "refresh", **condition(field, "=", ""))
            found = re.search(r'<datalist id="seen-conditions-0">(.*?)</datalist>', answer.content.decode(), re.DOTALL)
            assert re.findall(r'value="([^"]+)"', found[1] if found else "") == values

    def test_what_the_edge_itself_asks_for_can_be_asked_before_it_is_saved(self, desk):
        typed = {**asked("Torque", "number", unit="Nm"), **condition("inputs.torque", ">=", "12.5")}
        answer = desk.send(START, "refresh", **typed)
        assert '<option value="inputs.torque" selected' in answer.content.decode()
        assert desk.again(answer, "save", START).status_code == 302
        assert desk.edge("start").conditions[0].value == 12.5

    def test_the_reason_of_an_edge_suggests_its_codes(self, desk):
        answer = desk.send("?edge=pause@running", "refresh", **condition("inputs.reason", "=", ""))
        assert '<option value="lunch">' in answer.content.decode()

    def test_numbers_are_typed_as_the_language_writes_them(self, desk):
        desk.client.cookies["django_language"] = "de"
        desk.person.language = "de"
        desk.person.save(update_fields=["language"])
        with translation.override("de"):
            assert desk.send(START, "save", **condition("quantity", "<", "0,5")).status_code == 302
        assert desk.edge("start").conditions[0].value == 0.5
        assert 'value="0,5"' in desk.get(START)


class TestTheExpression:
    def test_a_right_one_is_kept_with_its_sentence(self, desk):
        typed = {"edge-expression": 'quantity > 1.0 && name != "x"', "edge-expression_sentence_en": "Too few."}
        assert desk.send(START, "save", **typed).status_code == 302
        assert desk.edge("start").expression == 'quantity > 1.0 && name != "x"'

    @pytest.mark.parametrize(
        ("expression", "sentence"),
        [
            ("quantity >", "edge-expression"),
            ("colour == 1.0", "colour is no declared field"),
            ("quantity", "not yes or no"),
            ("inputs.torque > 1.0", "inputs.torque is no declared field"),
        ],
    )
    def test_a_wrong_one_is_refused_at_its_field(self, desk, expression, sentence):
        typed = {"edge-expression": expression, "edge-expression_sentence_en": "No."}
        answer = desk.send(START, "save", **typed)
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
        assert fields_of(answer.content.decode(), "studio-form")["edge-expression"] == expression
        assert desk.now == thing_workflow()

    def test_it_says_why_not(self, desk):
        answer = desk.send(START, "save", **{"edge-expression": "quantity > 1.0"})
        assert "Say it in at least one language." in said(answer)


class TestInputs:
    def test_each_type_has_its_own_fields(self, desk):
        typed = {
            **asked("Torque", "number", 0, unit="Nm", low="12", high="14.5"),
            **asked("Why", "choice", 1, reason_purpose="pause"),
            **asked("Note", "text", 2, required=None),
            **asked("Lot", "lot", 3),
            **asked("Clean", "boolean", 4, name="is_clean"),
            **asked("First piece", "photo", 5, at_most="3"),
        }
        answer = desk.send(START, "save", **typed)
        assert answer.status_code == 302, said(answer)
        torque, why, note, lot, clean, shot = desk.edge("start").inputs
        assert (torque.name, torque.unit, torque.low, torque.high) == ("torque", "Nm", 12, Decimal("14.5"))
        assert (why.name, why.reason_purpose, why.required) == ("why", "pause", True)
        assert (note.required, lot.type, clean.name) == (False, "lot", "is_clean")
        assert (shot.name, shot.type, shot.at_most, shot.required) == ("first_piece", "photo", 3, True)

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            (asked("Torque", "number", low="5", high="4"), "The highest is below the lowest"),
            (asked("Torque", "number", low="x"), "Enter a number."),
            (asked("Shot", "photo", at_most="4"), "less than or equal to 3"),
            (asked("Shot", "photo", at_most=""), "This field is required."),
            (asked("Extra", "text"), "extra is the system's own"),
            ({**asked("A", "text"), **asked("B", "text", 1, name="a")}, "There is an input a already."),
            ({**asked("Reason", "text"), "edge-reason_required": "on"}, "There is an input reason already."),
            (asked("", "text"), "Say it in at least one language."),
        ],
    )
    def test_what_is_wrong_is_said(self, desk, typed, sentence):
        assert sentence in said(desk.send(START, "save", **typed))
        assert desk.now == thing_workflow()

    def test_rows_come_go_and_change_places_without_anything_saved_or_lost(self, desk):
        answer = desk.send(START, "save", **asked("", "number"))
        answer = desk.again(answer, "row inputs add", START, **{"inputs-0-labels_en": "First", "edge-labels_en": "Go"})
        kept = fields_of(answer.content.decode(), "studio-form")
        assert (kept["inputs-count"], kept["inputs-0-labels_en"], kept["edge-labels_en"]) == ("2", "First", "Go")
        answer = desk.again(answer, "row inputs up 1", START, **{"inputs-1-labels_en": "Second"})
        kept = fields_of(answer.content.decode(), "studio-form")
        assert (kept["inputs-0-labels_en"], kept["inputs-1-labels_en"]) == ("Second", "First")
        answer = desk.again(answer, "row inputs remove 0", START)
        kept = fields_of(answer.content.decode(), "studio-form")
        assert (kept["inputs-count"], kept["inputs-0-labels_en"]) == ("1", "First")
        assert desk.now == thing_workflow()
        assert desk.again(answer, "save", START).status_code == 302
        assert [one.name for one in desk.edge("start").inputs] == ["first"]

    def test_another_type_brings_other_fields(self, desk):
        answer = desk.send(START, "refresh", **asked("Why", "choice"))
        kept = fields_of(answer.content.decode(), "studio-form")
        assert "inputs-0-reason_purpose" in kept
        assert "inputs-0-unit" not in kept


class TestSignature:
    def test_it_is_asked_for_only_when_the_step_is_signed(self, desk):
        assert "signature-signers" not in fields_of(desk.get(START), "studio-form")
        answer = desk.send(START, "refresh", **{"signature-wanted": "on"})
        kept = fields_of(answer.content.decode(), "studio-form")
        assert (kept["signature-signers"], kept["signature-credentials"]) == ("1", ["on"])

    def test_who_signs_what_and_who_not(self, desk):
        answer = desk.send("?edge=release@held", "refresh", **{"signature-wanted": "on"})
        typed = {"signature-meaning_en": "Checked", "signature-signers": "2", "signature-not_same_as": ["hold"]}
        assert desk.again(answer, "save", "?edge=release@held", **typed).status_code == 302
        assert desk.edge("release").signature == SignatureSpec(
            meaning={"en": "Checked"}, signers=2, not_same_as=["hold"], credentials=True
        )
        kept = fields_of(desk.get("?edge=release@held"), "studio-form")
        desk.again(desk.client.get(desk.address + "?edge=release@held"), "save", "?edge=release@held",
                   **{"signature-wanted": None})  # fmt: skip
        assert kept["signature-not_same_as"] == ["hold"]
        assert desk.edge("release").signature is None

    def test_what_is_signed_is_said(self, desk):
        answer = desk.send(START, "save", **{"signature-wanted": "on", "signature-signers": "9"})
        assert "Say it in at least one language." in said(answer)
        assert "less than or equal to 5" in said(answer)


class Volume(StrEnum):
    LOW = "low"
    LOUD = "loud"


class Shout(EffectParameters):
    role: str = parameter("role", choose=Choice.ROLE)
    skills: list[str] = parameter("skills", [], choose=Choice.SKILL)
    say: Texts = parameter("what to say")
    times: int = parameter("how often", 2, ge=1, le=5)
    weight: Decimal | None = parameter("weight", None)
    volume: Volume = parameter("volume", Volume.LOW)
    is_urgent: bool = parameter("urgent", True)
    tags: list[str] = parameter("tags", [])
    place: str = parameter("place", "", max_length=5)


@pytest.fixture
def shout(monkeypatch):
    made = Effect(code="shout", label="Shout", parameters=Shout, apply=lambda *args: None)
    monkeypatch.setitem(EFFECTS, "shout", made)


@pytest.mark.usefixtures("shout")
class TestEffects:
    def chosen(self, desk):
        return desk.send(START, "refresh", **{"effects-count": "1", "effects-0-code": "shout"})

    def test_the_form_of_an_effect_comes_from_its_parameters(self, desk):
        kept = fields_of(self.chosen(desk).content.decode(), "studio-form")
        assert kept["effects-0-with_times"] == "2"
        assert kept["effects-0-with_volume"] == "low"
        assert kept["effects-0-with_is_urgent"] == ["on"]
        assert {"effects-0-with_role", "effects-0-with_say_en", "effects-0-with_say_de"} <= kept.keys()
        page = self.chosen(desk).content.decode()
        assert re.search(r'name="effects-0-with_role".*?line_lead', page, re.DOTALL)

    def test_what_is_filled_in_is_kept_as_the_effect_wants_it(self, desk):
        typed = {
            "effects-0-with_role": "line_lead", "effects-0-with_say_en": "Come!", "effects-0-with_times": "3",
            "effects-0-with_skills": ["welding"], "effects-0-with_tags": "a; b", "effects-0-with_weight": "1.5",
            "effects-0-with_volume": "loud", "effects-0-with_is_urgent": None,
        }  # fmt: skip
        answer = desk.again(self.chosen(desk), "save", START, **typed)
        assert answer.status_code == 302, said(answer)
        expected = {
            "role": "line_lead", "say": {"en": "Come!"}, "times": 3, "skills": ["welding"], "tags": ["a", "b"],
            "weight": "1.5", "volume": "loud", "is_urgent": False,
        }  # fmt: skip
        assert desk.edge("start").effects == [EffectSpec(code="shout", parameters=expected)]
        before = desk.now
        assert desk.send(START, "save").status_code == 302
        assert desk.now == before, "opened and saved, it is the same"

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ({"effects-0-with_times": "6"}, "less than or equal to 5"),
            ({"effects-0-with_times": "0"}, "greater than or equal to 1"),
            ({"effects-0-with_place": "somewhere"}, "at most 5 characters"),
            ({"effects-0-with_say_en": ""}, "Field required"),
            ({"effects-0-with_role": "pilot"}, "Select a valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_parameter(self, desk, typed, sentence):
        right = {"effects-0-with_role": "line_lead", "effects-0-with_say_en": "Come!"}
        answer = desk.again(self.chosen(desk), "save", START, **right | typed)
        assert sentence in said(answer)
        assert desk.now == thing_workflow()

    def test_one_that_is_no_more_is_seen_and_can_be_taken_out(self, shop):
        gone = {"effects": [{"code": "whistle", "parameters": {"tune": "x"}}]}
        desk = desk_of("paul", make_again(shop, start=gone))
        answer = desk.send(START, "save")
        assert "There is no such effect here any more" in said(answer)
        assert desk.again(desk.send(START, "row effects remove 0"), "save", START).status_code == 302
        assert desk.edge("start").effects == []


def make_again(shop, **edges):
    """A further version with other edges, as a package could bring it."""
    desk = desk_of("petra", shop.version)
    desk.save(thing_workflow(**edges))
    return desk.draft


class TestTheWhole:
    def test_its_name_and_the_items_it_is_for(self, shop, desk):
        line = make_line(make_area(Site.objects.get(pk=shop.site_id)))
        answer = desk.send("", "row applies_to add")
        typed = {"whole-name": "Pumps", "applies_to-0-line": line.code, "applies_to-0-customer": "ACME"}
        assert desk.again(answer, "save", "", **typed).status_code == 302
        assert desk.now.name == "Pumps"
        assert desk.now.applies_to == [WhereSpec(line=line.code, customer="ACME")]

    def test_an_empty_row_is_said(self, desk):
        answer = desk.again(desk.send("", "row applies_to add"), "save", "")
        assert "Give at least one of the four" in said(answer)

    def test_a_name_is_needed(self, desk):
        assert "This field is required." in said(desk.send("", "save", **{"whole-name": ""}))


class TestWhatTheCheckHasFound:
    def page(self, desk, query=START):
        return desk.get(query)

    def at(self, page, name):
        return page.partition(f"studio-cell studio-cell-{name}")[2].partition('<div class="studio-cell ')[0]

    @pytest.mark.parametrize(
        ("wrong", "name", "code"),
        [
            ({"roles": ["pilot"]}, "roles", "unknown_role"),
            ({"expression": "quantity"}, "expression", "wrong_expression"),
            ({"labels": {"en": "Start"}}, "labels_de", "untranslated"),
            ({"partner_suffices": True, "skills": []}, "partner_suffices", "partner_without_skills"),
            (
                {"signature": {"meaning": {"en": "x", "de": "x"}, "not_same_as": ["nothing"]}},
                "wanted",
                "signature_unknown_edge",
            ),
        ],
    )
    def test_stands_at_its_field_and_nowhere_else(self, shop, wrong, name, code):
        page = self.page(desk_of("paul", make_again(shop, start=wrong)))
        assert code in re.findall(r'data-code="(\w+)"', self.at(page, name))
        assert page.count(f'data-code="{code}"') == 1

    def test_stands_at_its_rows(self, shop):
        gone = {"effects": [{"code": "whistle", "parameters": {}}]}
        page = self.page(desk_of("paul", make_again(shop, start=gone)))
        assert "unknown_effect" in page.partition('aria-label="What follows"')[2].partition("</section>")[0]

    def test_what_has_no_field_stands_above_them(self, shop):
        lonely = {"sources": ["ready"], "target": "ready"}
        page = self.page(desk_of("paul", make_again(shop, start=lonely)), "?state=running")
        assert "unreachable" in page.partition('class="studio-problems"')[2].partition("<fieldset")[0]
