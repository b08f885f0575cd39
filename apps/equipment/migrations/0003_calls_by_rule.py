"""After how many seconds a stop calls somebody was a number of each machine, and is a rule from now on."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from apps.core.schema import AtOnce
from django.db import migrations, models
from django.utils import timezone

SHIPPED = "machine_stands"
LONGEST_WAIT_SECONDS = 30 * 24 * 60 * 60


def rules_for(seconds: Mapping[str, int]) -> list[dict[str, Any]]:
    """What each machine ("S1/A33") was to wait for, as contents of rules: the shipped one for the commonest, one more
    for each other value. None where all wait as the shipped rule does.
    """
    kept = {machine: min(wait, LONGEST_WAIT_SECONDS) for machine, wait in seconds.items()}
    if not any(kept.values()):
        return []
    commonest = min(Counter(kept.values()).items(), key=lambda one: (-one[1], one[0]))[0]
    others: dict[int, list[str]] = {}
    for machine, wait in sorted(kept.items()):
        if wait != commonest:
            others.setdefault(wait, []).append(machine)
    excepted = sorted(machine for machines in others.values() for machine in machines)
    return [
        _rule(SHIPPED, "A machine that stands calls somebody", commonest, "not in", excepted),
        *(
            _rule(f"{SHIPPED}_{wait}", f"A machine that stands calls somebody after {wait} s", wait, "in", machines)
            for wait, machines in sorted(others.items())
        ),
    ]


def _rule(code: str, name: str, wait: int, operator: str, machines: list[str]) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [{"field": "subject.is_open", "operator": "=", "value": True}]
    if machines:
        conditions.append({"field": "subject.machine", "operator": operator, "value": machines})
    return {
        "format": 1,
        "code": code,
        "name": name,
        "event": "equipment.machine_stands",
        "conditions": conditions,
        "expression": "",
        **({"after_seconds": wait} if wait else {}),
        "scope": [],
        "same": [],
        "window": None,
        "cool_down_minutes": 0,
        "per_minute": 600,
        "actions": [{"code": "call_for_stop", "parameters": {}}],
    }


def checksum_of(content: Mapping[str, Any]) -> str:
    told = {name: value for name, value in content.items() if name != "name"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def make_rules(apps, schema_editor):
    units = apps.get_model("plant", "WorkUnit").objects.values_list("pk", "site__code", "code")
    settings = apps.get_model("equipment", "Machine").objects.values_list(
        "work_unit", "raise_after_seconds", "raises_exceptions"
    )
    said = {unit: (wait if calls else None) for unit, wait, calls in settings}
    waits = {f"{site}/{code}": said.get(pk, 0) for pk, site, code in units}
    for content in rules_for({machine: wait for machine, wait in waits.items() if wait is not None}):
        _publish(apps, content)


def _publish(apps, content):
    now = timezone.now()
    rule, is_new = apps.get_model("workflows", "Rule").objects.get_or_create(
        code=content["code"], defaults={"name": content["name"]}
    )
    if not is_new:
        return
    version = apps.get_model("workflows", "RuleVersion").objects.create(
        rule=rule,
        number=1,
        event=content["event"],
        content=content,
        checksum=checksum_of(content),
        note="As the machines' own settings were.",
        created_at=now,
    )
    for status in ("in_review", "published"):
        version.status, version.published_at = status, now
        version.save()
    apps.get_model("core", "LedgerEvent").objects.create(
        kind="workflows.rule_published",
        subject_kind="rule",
        subject_id=str(rule.pk),
        agent="migration",
        origin="rule",
        occurred_at=now,
        data={
            "version_id": version.pk,
            "number": 1,
            "checksum": version.checksum,
            "editor_ids": [],
            "replaced_id": None,
        },
    )


class Migration(migrations.Migration):

    dependencies = [
        ('equipment', '0002_maintenance_by_exception'),
        ('plant', '0004_reasons_of_exceptions'),
        ('core', '0003_ownership'),
        ('workflows', '0053_windows_of_days'),
    ]

    operations = [
        migrations.RunPython(make_rules, migrations.RunPython.noop),
        AtOnce(
            operations=[
                migrations.RemoveConstraint(
                    model_name='downtime',
                    name='downtime_has_called_or_will',
                ),
                migrations.RemoveField(
                    model_name='historicalmachine',
                    name='raise_after_seconds',
                ),
                migrations.RemoveField(
                    model_name='machine',
                    name='raise_after_seconds',
                ),
                migrations.AlterField(
                    model_name='historicalmachine',
                    name='raises_exceptions',
                    field=models.BooleanField(default=True, help_text='When, the rules say: “Machine stands”.', verbose_name='a downtime calls somebody'),
                ),
                migrations.AlterField(
                    model_name='machine',
                    name='raises_exceptions',
                    field=models.BooleanField(default=True, help_text='When, the rules say: “Machine stands”.', verbose_name='a downtime calls somebody'),
                ),
                migrations.AddConstraint(
                    model_name='downtime',
                    constraint=models.CheckConstraint(condition=models.Q(('raised_at', None), ('call_due_at', None), _connector='OR'), name='downtime_has_called_or_is_to'),
                ),
            ],
        ),
    ]
