"""The steps of a rule's draft are as fixed as the draft; who has made a rule approves only what was published before."""

from importlib import import_module

from django.db import migrations

_FIRST = import_module("apps.workflows.migrations.0001_functions")
_LIFE = import_module("apps.workflows.migrations.0020_life_functions")


def _of_rules(function: str, *names: tuple[str, str]) -> str:
    for of_workflows, of_rules in names:
        assert of_workflows in function  # noqa: S101
        function = function.replace(of_workflows, of_rules)
    return function


GUARD_RULE_PART = _of_rules(
    _FIRST.GUARD_PART,
    ("workflows_guard_part", "workflows_guard_rule_part"),
    ("workflows_version", "workflows_ruleversion"),
)
GUARD_OWN_RULE = _of_rules(
    _LIFE.GUARD_OWN_WORK,
    ("workflows_guard_own_work", "workflows_guard_own_rule"),
    ("workflows_version", "workflows_ruleversion"),
    ("workflow_id", "rule_id"),
)


class Migration(migrations.Migration):
    dependencies = [("workflows", "0056_guard_all_versions")]
    operations = [
        migrations.RunSQL(GUARD_RULE_PART, "DROP FUNCTION workflows_guard_rule_part()"),
        migrations.RunSQL(GUARD_OWN_RULE, "DROP FUNCTION workflows_guard_own_rule()"),
    ]
