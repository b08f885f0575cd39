"""What comes in as a file or a text is a workflow or a package, or is refused in words; nothing of it is obeyed."""

from __future__ import annotations

import copy
import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.core.errors import CommandRefused
from apps.orders.commands import take_edge
from apps.workflows.commands import import_draft
from apps.workflows.definition import Definition, parse
from apps.workflows.effects import EFFECTS, EffectFailed, parameters_of
from apps.workflows.models import Version, Workflow
from apps.workflows.packages.commands import export_package, import_package
from apps.workflows.packages.file import Package, read
from apps.workflows.packages.library import books
from apps.workflows.seeds import install
from tests.orders.shop import SYSTEM, make_job
from tests.seeded import seed_plant
from tests.workflows.workshop import thing_workflow
from tests.world import make_holder, make_terminal, make_world, run, terminal_cookie

DEFINITION = thing_workflow().to_json()
PACKAGE = Package.model_validate(
    {"title": "Ours", "objects": [{"kind": "workflow", "content": json.loads(DEFINITION)}]}
).to_json()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../etc/passwd", PACKAGE)
    return buffer.getvalue()


def _twice(text: str) -> str:
    return text.replace('"format": 1', '"format": 1, "format": 1', 1)


def _inserted(text: str, value: str) -> str:
    """A value where any JSON may stand: of a condition."""
    changed = json.loads(text)
    edges = (changed["objects"][0]["content"] if "objects" in changed else changed)["edges"]
    edges[0]["conditions"] = [{"field": "quantity", "operator": "=", "value": "HERE", "sentence": {"en": "No."}}]
    return json.dumps(changed).replace('"HERE"', value)


ODD: dict[str, Callable[[str], str | bytes]] = {
    "nothing": lambda _: b"",
    "zip": lambda _: zipped(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "pickle": lambda _: b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "yaml": lambda _: "!!python/object/apply:os.system ['true']",
    "xml": lambda _: '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
    "not_utf8": lambda text: text.encode("utf-16"),
    "half_a_character": lambda text: text.encode()[:-3] + b"\xc3",
    "byte_order_mark": lambda text: "\ufeff" + text,
    "duplicate_keys": _twice,
    "nan": lambda text: _inserted(text, "NaN"),
    "infinity": lambda text: _inserted(text, "-Infinity"),
    "huge_fraction": lambda text: _inserted(text, "1e999"),
    "huge_integer": lambda text: _inserted(text, "9" * 5_000),
    "long_fraction": lambda text: _inserted(text, "0." + "1" * 5_000),
    "deep_list": lambda text: _inserted(text, "[" * 100 + "]" * 100),
    "deep_object": lambda text: _inserted(text, '{"a":' * 50_000 + "1" + "}" * 50_000),
    "nul": lambda text: _inserted(text, '"a\\u0000b"'),
    "lone_surrogate": lambda text: _inserted(text, '"\\ud800"'),
    "bidi": lambda text: _inserted(text, '"\\u202eesaeler"'),
    "escape_codes": lambda text: _inserted(text, '"\\u001b[31m"'),
    "trailing": lambda text: text + "{}",
    "a_list": lambda text: f"[{text}]",
    "just_text": lambda _: '"__import__"',
    "too_large": lambda text: text.replace('"Things"', '"' + "x" * 5_000_001 + '"'),
    "a_long_list": lambda text: _inserted(text, "[" + "0," * 900_000 + "0]"),
    "a_million_keys": lambda text: text[:-2] + "," + ",".join(f'"k{n}":1' for n in range(200_000)) + "}",
}


@pytest.mark.parametrize("reader", [parse, read], ids=["definition", "package"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_file_is_refused_in_a_sentence(reader, odd):
    text = DEFINITION if reader is parse else PACKAGE
    reader(text)
    content = ODD[odd](text)
    begun = time.perf_counter()
    with pytest.raises(CommandRefused) as refusal:
        reader(content)
    assert time.perf_counter() - begun < 3
    assert 10 < len(refusal.value.sentence) < 2_000


def _changed(change: Callable[[dict[str, Any]], None]) -> str:
    content = json.loads(DEFINITION)
    change(content)
    return json.dumps(content)


WRONG: dict[str, Callable[[dict[str, Any]], None]] = {
    "path_in_code": lambda c: c.update(code="../../etc/passwd"),
    "absolute_path": lambda c: c.update(code="/etc/passwd"),
    "upper_code": lambda c: c.update(code="Thing; DROP TABLE"),
    "dunder_code": lambda c: c.update(code="__class__"),
    "newline_in_code": lambda c: c.update(code="thing\n"),
    "long_code": lambda c: c.update(code="a" * 41),
    "kind_of_python": lambda c: c.update(kind="apps.orders.models.JobOrder"),
    "unknown_key": lambda c: c.update(__reduce__=["os.system", "true"]),
    "unknown_key_of_edge": lambda c: c["edges"][0].update(callable="os.system"),
    "language_is_a_path": lambda c: c["states"][0].update(labels={"../en": "x"}),
    "label_is_a_number": lambda c: c["states"][0].update(labels={"en": 7}),
    "long_label": lambda c: c["states"][0].update(labels={"en": "x" * 1_001}),
    "long_status": lambda c: c["states"][0].update(status="x" * 41),
    "long_name": lambda c: c.update(name="x" * 121),
    "status_is_a_list": lambda c: c["states"][0].update(status=["ready"]),
    "many_states": lambda c: c.update(states=[{**c["states"][0], "code": f"s{n}"} for n in range(1_001)]),
    "many_roles": lambda c: c["edges"][0].update(roles=["operator"] * 51),
    "long_expression": lambda c: c["edges"][0].update(expression="x" * 501),
    "operator_of_python": lambda c: c["edges"][0].update(
        conditions=[{"field": "name", "operator": "__eq__", "sentence": {}}]
    ),
    "huge_bound": lambda c: c["edges"][0].update(
        inputs=[{"name": "n", "type": "number", "labels": {"en": "n"}, "high": "1E+999999999"}]
    ),
    "no_bound": lambda c: c["edges"][0].update(
        inputs=[{"name": "n", "type": "number", "labels": {"en": "n"}, "high": "NaN"}]
    ),
    "type_of_python": lambda c: c["edges"][0].update(inputs=[{"name": "n", "type": "eval", "labels": {"en": "n"}}]),
    "many_signers": lambda c: c["edges"][0].update(signature={"meaning": {"en": "x"}, "signers": 10**9}),
    "at_most_nothing": lambda c: c["edges"][0].update(at_most=-1),
    "format_of_tomorrow": lambda c: c.update(format=2),
    "format_as_text": lambda c: c.update(format="1; x"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_definition_is_refused_at_its_place(wrong):
    with pytest.raises(CommandRefused) as refusal:
        parse(_changed(WRONG[wrong]))
    assert ":" in refusal.value.sentence


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", WRONG)
def test_and_so_it_is_within_a_package(wrong):
    """With a checksum that fits: who writes a package by hand can make one."""
    pia = make_holder("workflows.view", "workflows.edit")
    content = json.loads(_changed(WRONG[wrong]))
    text = Package.model_validate({"title": "x", "objects": [{"kind": "workflow", "content": content}]}).to_json()
    with pytest.raises(CommandRefused):
        run(import_package, pia, text=text)
    assert not Workflow.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(title="Theirs"),
        lambda p: p["objects"][0]["content"]["edges"][1].update(roles=[]),
        lambda p: p.update(checksum="0" * 64),
        lambda p: p.pop("checksum"),
        lambda p: p["needs"].append({"kind": "role", "code": "boss", "content": {"actions": ["plant.manage_roles"]}}),
        lambda p: p["objects"].append(copy.deepcopy(p["objects"][0])),
        lambda p: p["objects"].clear(),
        lambda p: p["objects"][0].update(kind="auth.User"),
        lambda p: p["objects"][0].update(kind="../workflow"),
        lambda p: p.update(run="os.system"),
    ],
)
def test_a_package_that_was_changed_by_hand_is_refused(change):
    pia = make_holder("workflows.view", "workflows.edit")
    content = json.loads(PACKAGE)
    change(content)
    with pytest.raises(CommandRefused):
        run(import_package, pia, text=json.dumps(content))
    assert not Workflow.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["__import__", "os.system", "apps.orders.effects.place_blocker", "", "notify\u200b"])
def test_an_effect_is_a_code_of_the_registry_and_nothing_else(code):
    with pytest.raises(EffectFailed):
        parameters_of(code, {})


@pytest.mark.parametrize("code", sorted(EFFECTS))
@pytest.mark.parametrize(
    "given", [{"__class__": 1}, {"role": ["x"], "say": 1}, {"role": {"$ne": None}}, {"text": object}]
)
def test_an_effect_takes_only_what_its_form_asks_for(code, given):
    with pytest.raises(EffectFailed):
        parameters_of(code, given)


# ---- what is shown

EVIL = "<script>alert(1)</script>{{ 7*7 }}{% debug %}%(step)s %s {0.__class__} =cmd|'/C calc'!A0"


def _evil(content: dict[str, Any]) -> Definition:
    for part in [*content["states"], *content["edges"]]:
        part["labels"] = {"en": EVIL, "de": EVIL}
    for edge in content["edges"]:
        if edge["code"] == "complete":
            edge["conditions"] = [
                {"field": "good", "operator": ">", "value": 1_000, "sentence": {"en": EVIL, "de": EVIL}}
            ]
    return Definition.model_validate({**content, "name": EVIL, "applies_to": [{"line": "L3"}]})


@pytest.mark.django_db
def test_labels_and_sentences_are_text_on_the_floor_and_in_the_admin():
    seed_plant()
    world = make_world()
    content = copy.deepcopy(books()["plain_job_order"].package.objects[0].content)
    version_id = run(install, SYSTEM, definition=_evil(content))
    job = make_job(world.line, world.station)

    station = Client()
    station.cookies.load(terminal_cookie(make_terminal(world.site, station=world.station)))
    run(take_edge, world.olga, job_order_id=job.pk, edge="start", inputs={})
    page = station.get("/station/S1/A33/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "<script>alert(1)" not in page

    with pytest.raises(CommandRefused) as refusal:
        run(take_edge, world.olga, job_order_id=job.pk, edge="complete", inputs={})
    assert refusal.value.sentence == EVIL
    with pytest.raises(CommandRefused) as refusal:
        run(take_edge, world.olga, job_order_id=job.pk, edge="start", inputs={})
    assert EVIL in refusal.value.sentence

    engineer = Client()
    pia = make_holder("workflows.view", "workflows.edit", is_staff=True)
    engineer.force_login(pia)
    for tab in ("change", "edit", "check", "publish"):
        shown = engineer.get(f"/admin/workflows/version/{version_id}/{tab}/").content.decode()
        assert "&lt;script&gt;alert(1)" in shown, tab
        assert "<script>alert(1)" not in shown, tab


@pytest.mark.django_db
def test_an_export_is_json_that_no_spreadsheet_reads_as_a_formula():
    """Texts that begin with = are texts within JSON, and the file is sent as a download, never as a page."""
    pia = make_holder("workflows.view", "workflows.edit")
    draft = run(import_draft, pia, definition=thing_workflow(lambda content: content.update(name="=1+1")))
    text = run(export_package, pia, title="=1+1", picked={"workflow": [draft]})
    assert text.startswith("{")
    assert read(text).objects[0].content["name"] == "=1+1"
    assert Version.objects.get(pk=draft).workflow.name == "=1+1"
