"""A way of working goes from one plant to another as a file, and comes in as drafts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.models import ReasonCode, Role, Skill
from apps.workflows.commands import create_draft, publish, save_draft, submit_for_review
from apps.workflows.definition import Definition
from apps.workflows.models import PackageOrigin, Version, Workflow
from apps.workflows.packages.commands import Imported, export_package, import_package
from apps.workflows.packages.file import FORMAT, Package, checksum_of, read
from apps.workflows.packages.preview import Standing, preview
from apps.workflows.rows import to_definition
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import FOLDER
from tests.workflows.workshop import BASE, make_shop, published, thing_workflow, typed
from tests.world import ledger, make_holder, make_person, make_reason, run

pytestmark = pytest.mark.django_db

EDITOR = ("workflows.view", "workflows.edit")


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def pia():
    return make_holder(*EDITOR, username="pia")


def exported(version: Version, by: Any = None, title: str = "Ours") -> str:
    return run(export_package, by or Actor.system("tests"), title=title, picked={"workflow": [version.pk]})


def package_of(*definitions: Any, title: str = "Theirs", needs: Any = ()) -> str:
    objects = [{"kind": "workflow", "content": one.model_dump(mode="json")} for one in definitions]
    return Package.model_validate({"title": title, "objects": objects, "needs": list(needs)}).to_json()


def other(**edges: Any) -> str:
    return package_of(thing_workflow(lambda content: content.update(code="other", name="Others"), **edges))


def test_a_whole_package_of_a_newer_format_says_what_to_do() -> None:
    later = json.loads(other()) | {"format": FORMAT + 1, "product": "9.1"}
    with pytest.raises(CommandRefused) as caught:
        read(json.dumps(later))
    assert caught.value.code == "newer_format"
    assert "Bring this product up to 9.1 first" in caught.value.sentence


def standing(text: str, who: Any = None) -> dict[str, Standing]:
    actor = Actor(person_id=who.pk) if who else Actor.system("tests")
    return {line.key: line.standing for line in preview(read(text), actor).lines}


def _written() -> tuple[int, Any, int]:
    imports = len(ledger("workflows.package_imported"))
    return Version.objects.count(), PackageOrigin.objects.values().get(), imports


class TestExport:
    def test_is_the_same_bytes_but_for_who_and_when(self, shop, pia):
        first, second = json.loads(exported(shop.version)), json.loads(exported(shop.version, pia))
        assert first.pop("exported") != second.pop("exported")
        assert first == second
        assert exported(shop.version).index('"checksum"') < exported(shop.version).index('"format"')

    def test_brings_what_the_workflow_names(self, shop):
        make_reason("pause", "late", en="Late")
        told = {(one["kind"], one["code"]): one["content"] for one in json.loads(exported(shop.version))["needs"]}
        assert told[("role", "operator")]["actions"] == ["testapp.run_thing"]
        assert told[("reason", "pause/late")] == {"labels": {"en": "Late"}, "parent": ""}
        assert ("reason_purpose", "pause") in told
        assert ("role", "system") in told

    def test_needs_only_the_right_to_read(self, shop):
        reader = make_holder("workflows.view")
        assert read(exported(shop.version, reader)).title == "Ours"
        with pytest.raises(CommandRefused, match="read workflows"):
            exported(shop.version, make_person())

    def test_of_two_versions_of_one_workflow_is_refused(self, shop, pia):
        draft = run(create_draft, pia, version_id=shop.version.pk)
        with pytest.raises(CommandRefused, match="one version of workflow:thing"):
            run(export_package, pia, title="", picked={"workflow": [shop.version.pk, draft]})

    def test_of_nothing_is_refused(self):
        with pytest.raises(CommandRefused, match="at least one"):
            run(export_package, Actor.system("tests"), title="", picked={"workflow": [0], "sorcery": [1]})

    def test_is_in_the_ledger(self, shop, pia):
        text = exported(shop.version, pia)
        [event] = ledger("workflows.package_exported")
        assert (event.subject_id, event.actor_id) == (json.loads(text)["checksum"], pia.pk)
        assert event.data["objects"] == ["workflow:thing"]


class TestImport:
    def test_makes_a_draft_of_what_is_new(self, shop, pia):
        text = other()
        assert standing(text) == {"workflow:other": Standing.NEW}
        imported = run(import_package, pia, text=text)
        draft = Version.objects.get(pk=imported.drafts["workflow:other"])
        assert (draft.status, draft.author_id, draft.workflow.name) == ("draft", pia.pk, "Others")
        [event] = ledger("workflows.package_imported")
        assert event.data["drafts"] == {"workflow:other": draft.pk}

    def test_there_and_back_is_the_same(self, shop, pia):
        text = exported(shop.version)
        assert standing(text) == {"workflow:thing": Standing.SAME}
        assert run(import_package, pia, text=text) == Imported()
        assert Version.objects.count() == 1

    def test_twice_changes_nothing(self, shop, pia):
        text = other()
        run(import_package, pia, text=text)
        before = (
            Version.objects.count(),
            PackageOrigin.objects.values().get(),
            len(ledger("workflows.package_imported")),
        )
        seen = preview(read(text), Actor(person_id=pia.pk))
        assert seen.changes_nothing
        assert run(import_package, pia, text=text) == Imported()
        assert run(import_package, pia, text=text, take=["workflow:other"]) == Imported()
        assert _written() == before

    def test_twice_changes_nothing_though_the_draft_was_worked_on(self, shop, pia):
        text = other()
        draft = run(import_package, pia, text=text).drafts["workflow:other"]
        changed = thing_workflow(lambda content: content.update(code="other", name="Others"), start={"roles": []})
        run(save_draft, pia, version_id=draft, definition=changed)
        assert standing(text) == {"workflow:other": Standing.HERE}
        assert run(import_package, pia, text=text) == Imported()

    def test_says_what_differs(self, shop, pia):
        text = package_of(thing_workflow(start={"roles": ["line_lead"]}, complete={"labels": {"en": "Ready"}}))
        [line] = preview(read(text), Actor(person_id=pia.pk)).lines
        assert line.standing == Standing.DIFFERS
        assert "edges start roles: ['operator', 'line_lead'] → ['line_lead']" in line.differences
        assert len(line.differences) == 3
        draft = run(import_package, pia, text=text).drafts["workflow:thing"]
        assert Version.objects.get(pk=draft).number == 2
        assert Version.objects.get(pk=shop.version.pk).status == "published"

    def test_leaves_what_the_plant_has_made_its_own(self, shop, pia):
        theirs = package_of(thing_workflow(start={"roles": ["line_lead"]}))
        draft = run(import_package, pia, text=theirs).drafts["workflow:thing"]
        bea = make_holder("workflows.view", "workflows.edit", "workflows.publish")
        run(submit_for_review, pia, version_id=draft)
        run(publish, bea, version_id=draft, note="As they do it.")
        assert standing(theirs) == {"workflow:thing": Standing.SAME}
        published(thing_workflow(start={"roles": ["operator"]}))

        newer = package_of(thing_workflow(start={"roles": ["line_lead"], "presentation": "offered"}))
        assert standing(newer) == {"workflow:thing": Standing.OVERRIDDEN}
        assert run(import_package, pia, text=newer) == Imported()
        assert list(run(import_package, pia, text=newer, take=["workflow:thing"]).drafts) == ["workflow:thing"]

    def test_takes_only_what_is_ticked(self, shop, pia):
        both = package_of(
            thing_workflow(lambda content: content.update(code="one")),
            thing_workflow(lambda content: content.update(code="two")),
        )
        assert list(run(import_package, pia, text=both, take=["workflow:two"]).drafts) == ["workflow:two"]
        assert not Workflow.objects.filter(code="one").exists()

    def test_needs_the_right_to_edit(self, shop):
        with pytest.raises(CommandRefused, match="change workflows"):
            run(import_package, make_holder("workflows.view"), text=other())
        assert not Workflow.objects.filter(code="other").exists()

    def test_never_publishes(self, shop, pia):
        run(import_package, make_holder(*EDITOR, "workflows.publish"), text=other())
        assert set(Version.objects.filter(workflow__code="other").values_list("status", flat=True)) == {"draft"}


NEEDS = [
    {"kind": "role", "code": "pilot", "content": {"names": {"en": "Pilot"}, "actions": ["testapp.run_thing", "x.y"]}},
    {"kind": "skill", "code": "flying", "content": {"name": "Flying"}},
    {"kind": "reason", "code": "pause/fog", "content": {"labels": {"en": "Fog"}, "parent": "weather"}},
    {"kind": "reason", "code": "pause/weather", "content": {"labels": {"en": "Weather"}, "parent": ""}},
    {"kind": "effect", "code": "__import__", "content": {}},
]


def demanding() -> str:
    definition = thing_workflow(
        lambda content: content.update(code="other"), start={"roles": ["pilot"], "skills": ["flying"]}
    )
    return package_of(definition, needs=NEEDS)


class TestWhatIsMissing:
    def test_is_listed_and_nothing_is_made_of_it(self, shop, pia):
        seen = preview(read(demanding()), Actor(person_id=pia.pk))
        assert {str(one.need) for one in seen.lacking} == {
            "role:pilot", "skill:flying", "reason:pause/fog", "reason:pause/weather", "effect:__import__",
        }  # fmt: skip
        assert not any(one.can_be_created for one in seen.lacking)
        run(import_package, pia, text=demanding())
        assert not Role.objects.filter(code="pilot").exists()
        assert not Skill.objects.filter(code="flying").exists()
        assert not ReasonCode.objects.filter(code="fog").exists()

    def test_is_listed_though_the_file_says_nothing_of_it(self, shop, pia):
        definition = thing_workflow(lambda content: content.update(code="other"), start={"roles": ["pilot"]})
        [lacking] = preview(read(package_of(definition)), Actor(person_id=pia.pk)).lacking
        assert (str(lacking.need), lacking.can_be_created) == ("role:pilot", False)

    def test_is_created_by_who_may(self, shop):
        boss = make_holder(*EDITOR, "plant.manage_roles", "plant.manage_people", "plant.manage_plant")
        create = ["role:pilot", "skill:flying", "reason:pause/fog", "reason:pause/weather"]
        imported = run(import_package, boss, text=demanding(), create=create)
        assert sorted(imported.created) == sorted(create)
        role = Role.objects.get(code="pilot")
        assert list(role.actions.values_list("code", flat=True)) == ["testapp.run_thing"]
        assert not role.assignments.exists()
        assert ReasonCode.objects.get(code="fog").parent.code == "weather"
        assert [event.data["code"] for event in ledger("plant.role_added")] == ["pilot"]

    def test_is_not_created_by_who_may_not(self, shop, pia):
        with pytest.raises(CommandRefused) as refusal:
            run(import_package, pia, text=demanding(), create=["role:pilot"])
        assert refusal.value.code in {"not_allowed", "not_creatable"}
        assert not Role.objects.filter(code="pilot").exists()
        assert not Workflow.objects.filter(code="other").exists()

    def test_of_the_product_itself_can_not_be_created(self, shop):
        boss = make_holder(*EDITOR, "plant.manage_roles")
        with pytest.raises(CommandRefused, match="missing here"):
            run(import_package, boss, text=demanding(), create=["effect:__import__"])


def test_a_workflow_with_everything_survives_the_way(shop, pia):
    """As the definition has it, down to the bytes."""
    version = published(
        thing_workflow(
            start={
                "conditions": [
                    {"field": "quantity", "operator": ">", "value": 0.5, "sentence": {"en": "None.", "de": "Nichts."}}
                ],
                "inputs": [
                    typed("torque", "number", unit="Nm", low="12.5", high=14),
                    typed("shot", "photo", at_most=3),
                ],
                "at_most": 3,
            },
        )
    )
    content = read(exported(version)).objects[0].content
    assert content == to_definition(version).model_dump(mode="json")
    assert checksum_of(content) == checksum_of(json.loads(json.dumps(content)))
    assert len(content["states"]) == len(BASE["states"])


class TestRules:
    def _rule(self, **otherwise: Any) -> dict[str, Any]:
        content = {
            "code": "scrap_again",
            "name": "Scrap again",
            "event": "orders.quantity_confirmed",
            "conditions": [{"field": "event.scrap", "operator": ">", "value": 0}],
            "scope": [{"line": "L77"}, {"site": "S77"}],
            "actions": [{"code": "notify", "parameters": {"role": "pilot", "text": {"en": "Scrap"}}}],
        }
        return {**content, **otherwise}

    def _package(self, **otherwise: Any) -> str:
        objects = [{"kind": "rule", "content": self._rule(**otherwise)}]
        return Package.model_validate({"title": "Rules", "objects": objects}).to_json()

    def test_come_in_as_drafts_and_go_out_again(self, pia):
        text = self._package()
        seen = preview(read(text), Actor(person_id=pia.pk))
        assert [line.standing for line in seen.lines] == [Standing.NEW]
        assert {"role:pilot", "work_center:L77", "site:S77"} <= {str(one.need) for one in seen.lacking}
        draft = run(import_package, pia, text=text).drafts["rule:scrap_again"]
        assert run(import_package, pia, text=text) == Imported()
        out = read(run(export_package, pia, title="Back", picked={"rule": [draft]}))
        assert standing(out.to_json()) == {"rule:scrap_again": Standing.HERE}

    def test_that_are_none_are_refused(self, pia):
        with pytest.raises(CommandRefused, match="actions"):
            run(import_package, pia, text=self._package(actions="delete everything"))


class TestWhatConditionsName:
    """Kinds of exceptions and lines that a condition compares with are told to the other plant, which may lack them."""

    def test_of_a_rule(self, pia):
        content = {
            "code": "again", "name": "Again", "event": "andon.exception_raised", "actions": [],
            "conditions": [
                {"field": "event.type", "operator": "in", "value": ["leak_found", "missing_skill"]},
                {"field": "subject.type", "operator": "!=", "value": "fire"},
                {"field": "line", "operator": "=", "value": "L77"},
                {"field": "site", "operator": "=", "value": "S77"},
                {"field": "event.severity", "operator": ">", "value": 1},
                {"field": "event.cause_key", "operator": "=", "value": "leak"},
            ],
        }  # fmt: skip
        spec = RuleSpec.model_validate(content)
        objects = [{"kind": "rule", "content": spec.model_dump(mode="json")}]
        text = Package.model_validate({"title": "Theirs", "objects": objects}).to_json()
        lacking = {str(one.need) for one in preview(read(text), Actor(person_id=pia.pk)).lacking}
        assert lacking == {
            "exception_type:leak_found", "exception_type:missing_skill", "exception_type:fire", "work_center:L77",
            "site:S77",
        }  # fmt: skip

    def test_of_a_workflow(self, pia):
        content = json.loads((FOLDER / "exception.json").read_text()) | {"code": "leaks", "name": "Leaks"}
        sentence = {"en": "Only leaks.", "de": "Nur Lecks."}
        content["edges"][0]["conditions"] = [
            {"field": "type", "operator": "=", "value": "leak_found", "sentence": sentence}
        ]
        lacking = {
            str(one.need)
            for one in preview(read(package_of(Definition.model_validate(content))), Actor(person_id=pia.pk)).lacking
        }
        assert "exception_type:leak_found" in lacking
