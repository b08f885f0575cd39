"""The house stands as docs/architecture.md says: floors, foreign keys, no hidden doors."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from weakref import ReferenceType

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db.models import Model
from django.db.models.signals import ModelSignal, post_delete, post_save, pre_delete, pre_save

from apps.core.commands import COMMANDS
from apps.core.events import EVENTS, SUBSCRIPTIONS

ROOT = Path(settings.BASE_DIR)
OURS = sorted(config.label for config in apps.get_app_configs() if config.name.startswith("apps."))
SOURCES = sorted(path for folder in ("apps", "mfgos") for path in (ROOT / folder).rglob("*.py"))


def floors() -> dict[str, int]:
    """App -> floor, counted from below, as import-linter has it."""
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    return {name.strip(" ()"): n for n, layer in enumerate(reversed(layers)) for name in layer.split("|")}


def test_every_installed_app_has_its_floor_and_is_no_longer_optional() -> None:
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    required = sorted(name.strip() for layer in layers for name in layer.split("|") if "(" not in name)
    assert required == OURS


def test_foreign_keys_point_to_the_same_floor_or_below() -> None:
    floor = floors()
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation
        and field.concrete
        and model._meta.app_label in floor
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, Model)
        and field.related_model._meta.app_label in floor
        and floor[field.related_model._meta.app_label] > floor[model._meta.app_label]
    ]
    assert upward == []


@pytest.mark.parametrize("signal", [pre_save, post_save, pre_delete, post_delete])
def test_nothing_of_ours_hangs_on_a_model_signal(signal: ModelSignal) -> None:
    receivers = [
        receiver() if isinstance(receiver, ReferenceType) else receiver for _, receiver, *_ in signal.receivers
    ]
    modules = {getattr(receiver, "__module__", "") for receiver in receivers}
    assert not {module for module in modules if module.startswith("apps.")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_inside_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = [
        inner.lineno for node in functions for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_every_event_and_its_subscribers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("show_events")
    shown = capsys.readouterr().out
    for kind, event in EVENTS.items():
        assert kind in shown
        for subscription in SUBSCRIPTIONS[event]:
            assert subscription.name in shown


def test_every_command_is_named_after_its_app() -> None:
    for name, command in COMMANDS.items():
        if command.body.__module__.startswith("apps."):
            assert name.startswith(command.body.__module__.split(".")[1] + "."), name
