"""Plants that had numbers in their types have rules that say the same."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

from apps.andon.models import Problem
from apps.workflows.models import RuleOccurrence, RuleVersion
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from tests.andon.floor import later, make_floor

migration = import_module("apps.andon.migrations.0013_recurrence_is_a_rule")


def specs(numbers: dict[str, tuple[int, int]]) -> dict[str, RuleSpec]:
    return {content["code"]: RuleSpec.model_validate(content) for content in migration.rules_of(numbers)}


def of_types(spec: RuleSpec) -> tuple[str, object] | None:
    return next(((c.operator, c.value) for c in spec.conditions if c.field == "event.type"), None)


def test_a_plant_that_changed_nothing_has_the_shipped_rule() -> None:
    shipped = RuleSpec.model_validate_json((settings.BASE_DIR / "fixtures/rules/recurring_cause.json").read_bytes())
    assert specs({"downtime": (3, 7), "shortage": (3, 7)}) == {"recurring_cause": shipped}


def test_others_have_rules_of_their_own_or_none() -> None:
    found = specs({"a": (3, 7), "b": (3, 7), "c": (5, 30), "d": (0, 7), "e": (1, 7)})
    assert set(found) == {"recurring_cause", "recurring_cause_5_in_30_days", "recurring_cause_1_in_7_days"}
    some, each = found["recurring_cause_5_in_30_days"], found["recurring_cause_1_in_7_days"]
    assert of_types(found["recurring_cause"]) == ("not in", ["c", "d", "e"])
    assert some.window
    assert (some.window.count, some.window.days, of_types(some)) == (5, 30, ("in", ["c"]))
    assert (each.window, of_types(each)) == (None, ("in", ["e"]))


def test_where_no_type_had_any_none_has() -> None:
    assert of_types(specs({"a": (0, 7), "b": (0, 7)})["recurring_cause"]) == ("not in", ["a", "b"])


@pytest.mark.django_db
def test_they_are_right_and_their_checksums_as_the_product_writes_them() -> None:
    for content in migration.rules_of({"a": (3, 7), "c": (5, 30), "d": (0, 7), "e": (1, 7)}):
        spec = RuleSpec.model_validate(content)
        assert check_rule(spec) == []
        assert spec.checksum == migration.checksum_of(content)


@pytest.mark.django_db
def test_cases_of_the_last_days_count_on() -> None:
    floor = make_floor()
    for _ in range(2):
        floor.stop()
        later(minutes=20)
        floor.end()
        later(minutes=60)
    # As it was before any rule counted.
    RuleOccurrence.objects.all().delete()
    version = RuleVersion.objects.published().get(rule__code="recurring_cause")
    migration.count_what_was(apps, version, ["downtime"])
    floor.stop()
    assert Problem.objects.get().cases.count() == 3
