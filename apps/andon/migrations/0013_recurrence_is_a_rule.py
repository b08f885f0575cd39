"""When the same cause again and again is a problem was a number of each type, and is a rule from now on.

One rule says what most types say, of all but the others; these have a rule for each of their numbers, or none.
"""

import hashlib
import json
from collections import Counter
from datetime import timedelta

from django.db import migrations
from django.utils import timezone

CODE, NAME = "recurring_cause", "The same cause again and again"
AS_SHIPPED = (3, 7)
# What a rule can count at most.
MOST_CASES, MOST_DAYS = 1_000, 366
SAME = ["site", "event.type", "event.cause_kind", "event.recurs_as"]
LONGEST_KEY = 200


def _condition(field, operator, value=None):
    return {"field": field, "operator": operator, "value": value}


def _content(code, name, numbers, of_types):
    count, days = numbers
    window = {"count": count, "minutes": None, "days": days, "of": "things"}
    return {
        "format": 1,
        "code": code,
        "name": name,
        "event": "andon.case_named",
        "conditions": [
            _condition("event.recurs_as", "not empty"),
            _condition("event.in_problem", "=", value=False),
            *of_types,
        ],
        "expression": "",
        "scope": [],
        "same": SAME if count > 1 else [],
        "window": window if count > 1 else None,
        "cool_down_minutes": 0,
        "per_minute": 600,
        "actions": [{"code": "open_problem", "parameters": {}}],
    }


def rules_of(numbers):
    """numbers  code of a type -> (count, days); 0: never"""
    asked = {code: pair for code, pair in numbers.items() if all(pair)}
    often = Counter(asked.values()).most_common()
    common = often[0][0] if often else AS_SHIPPED
    others = sorted(code for code in numbers if asked.get(code) != common)
    rules = [_content(CODE, NAME, common, [_condition("event.type", "not in", others)] if others else [])]
    for pair, _ in often[1:]:
        count, days = pair
        of_types = _condition("event.type", "in", sorted(code for code in asked if asked[code] == pair))
        name = f"{NAME}: {count} in {days} days"
        rules.append(_content(f"{CODE}_{count}_in_{days}_days", name, pair, [of_types]))
    return rules


def checksum_of(content):
    told = {key: value for key, value in content.items() if key != "name"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _publish(apps, content):
    now = timezone.now()
    rule = apps.get_model("workflows", "Rule").objects.create(code=content["code"], name=content["name"])
    version = apps.get_model("workflows", "RuleVersion").objects.create(
        rule=rule, number=1, event=content["event"], content=content, checksum=checksum_of(content), created_at=now
    )
    version.status = "in_review"
    version.save()
    version.status, version.published_at, version.note = "published", now, "As the types of exceptions had it."
    version.save()
    return version


def _key(exception):
    values = [exception.site.code, exception.type.code, exception.cause_kind, exception.recurs_as]
    text = json.dumps(values, ensure_ascii=False)
    return text if len(text) <= LONGEST_KEY else hashlib.sha256(text.encode()).hexdigest()


def count_what_was(apps, version, types):
    """The cases of the last days count as they did."""
    days = version.content["window"]["days"]
    rows = apps.get_model("andon", "FloorException").objects.filter(
        type__code__in=types, problem=None, raised_at__gt=timezone.now() - timedelta(days=days)
    )
    cases = list(rows.exclude(recurs_as="").select_related("site", "type"))
    raised = apps.get_model("core", "LedgerEvent").objects.filter(
        kind="andon.exception_raised", subject_kind="exception", subject_id__in=[str(case.pk) for case in cases]
    )
    events = dict(raised.values_list("subject_id", "pk"))
    occurrence = apps.get_model("workflows", "RuleOccurrence")
    occurrence.objects.bulk_create(
        [
            occurrence(
                version=version,
                event_id=events[str(case.pk)],
                key=_key(case),
                occurred_at=case.raised_at,
                thing=str(case.pk),
            )
            for case in cases
            if str(case.pk) in events
        ],
        batch_size=1_000,
    )


def make_rules(apps, schema_editor):
    """A plant that is new gets the shipped rule with all else."""
    rows = apps.get_model("andon", "ExceptionType").objects.values_list("code", "recurrence_count", "recurrence_days")
    numbers = {code: (min(count, MOST_CASES), min(days, MOST_DAYS)) for code, count, days in rows}
    if not numbers:
        return
    for content in rules_of(numbers):
        version = _publish(apps, content)
        if content["window"]:
            window = content["window"]["count"], content["window"]["days"]
            count_what_was(apps, version, [code for code, pair in numbers.items() if pair == window])


class Migration(migrations.Migration):
    dependencies = [
        ("andon", "0012_screen_messages"),
        ("core", "0003_ownership"),
        ("workflows", "0053_windows_of_days"),
    ]

    operations = [migrations.RunPython(make_rules, migrations.RunPython.noop)]
