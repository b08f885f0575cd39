"""Sites that had a number of hours for approvals have rules that say the same."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

from apps.workflows.models import RuleVersion
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec

migration = import_module("apps.andon.migrations.0015_approvals_by_rule")


def specs(hours: dict[str, int]) -> list[RuleSpec]:
    return [RuleSpec.model_validate(content) for content in migration.rules_of(hours)]


def test_a_plant_that_changed_nothing_has_the_shipped_rule() -> None:
    shipped = RuleSpec.model_validate_json((settings.BASE_DIR / "fixtures/rules/approval_waits.json").read_bytes())
    assert specs({"S1": 24, "S2": 24}) == [shipped]


def test_sites_of_another_mind_have_rules_of_their_own() -> None:
    most, other, longest = specs({"S1": 24, "S2": 24, "S3": 48, "S4": 30_000})
    assert [spec.after_seconds for spec in (most, other, longest)] == [24 * 3600, 48 * 3600, 30 * 24 * 3600]
    assert [(spec.conditions[1].operator, spec.conditions[1].value) for spec in (most, other, longest)] == [
        ("not in", ["S3", "S4"]),
        ("in", ["S3"]),
        ("in", ["S4"]),
    ]


@pytest.mark.django_db
def test_they_are_in_force_as_if_published_here_and_clean() -> None:
    for content in migration.rules_of({"S1": 24, "S2": 24, "S3": 0}):
        migration._publish(apps, content)
    for version in RuleVersion.objects.published():
        spec = RuleSpec.model_validate(version.content)
        assert (version.checksum, version.event) == (spec.checksum, spec.event)
        assert spec.model_dump(mode="json") == version.content
        assert check_rule(spec) == []
    assert RuleVersion.objects.published().count() == 2
