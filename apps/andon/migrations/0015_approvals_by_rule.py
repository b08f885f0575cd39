"""For how many hours an approval may wait was a number of each site, and is a rule from now on.

One rule says what most sites say, of all but the others; these have a rule for each of their numbers. What waits at this
moment goes on waiting by them.
"""

import hashlib
import json
from collections import Counter
from datetime import timedelta

from django.db import migrations
from django.utils import timezone

CODE, NAME = "approval_waits", "An approval that waits calls somebody"
AS_SHIPPED_HOURS, MOST_HOURS = 24, 30 * 24


def _content(code, name, hours, of_sites):
    return {
        "format": 1,
        "code": code,
        "name": name,
        "event": "workflows.review_requested",
        "conditions": [{"field": "subject.is_waiting", "operator": "=", "value": True}, *of_sites],
        "expression": "",
        **({"after_seconds": hours * 3600} if hours else {}),
        "scope": [],
        "same": [],
        "window": None,
        "cool_down_minutes": 0,
        "per_minute": 20,
        "actions": [{"code": "call_for_approval", "parameters": {}}],
    }


def rules_of(hours):
    """hours  code of a site -> hours that an approval may wait there"""
    kept = {site: min(number, MOST_HOURS) for site, number in hours.items()}
    often = Counter(kept.values()).most_common() or [(AS_SHIPPED_HOURS, 0)]
    common = often[0][0]
    others = sorted(site for site, number in kept.items() if number != common)
    rules = [_content(CODE, NAME, common, [_of("not in", others)] if others else [])]
    for number, _ in often[1:]:
        there = _of("in", sorted(site for site in kept if kept[site] == number))
        rules.append(_content(f"{CODE}_{number}_hours", f"{NAME}: {number} hours", number, [there]))
    return rules


def _of(operator, sites):
    return {"field": "site", "operator": operator, "value": sites}


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
    version.status, version.published_at, version.note = "published", now, "As the sites' rules had it."
    version.save()
    return version


def _site_of(apps, person_id):
    author = apps.get_model("plant", "Person").objects.filter(pk=person_id or 0).select_related("site").first()
    return author.site if author and author.site else apps.get_model("plant", "Site").objects.order_by("pk").first()


def _go_on_waiting(apps, published, hours):
    """published  hours -> the version of the rule that says so"""
    asked = apps.get_model("core", "LedgerEvent").objects.filter(
        kind="workflows.review_requested", subject_kind="workflow_version"
    )
    for version in apps.get_model("workflows", "Version").objects.filter(status="in_review"):
        event = asked.filter(subject_id=str(version.pk)).order_by("-pk").first()
        if event is None:
            continue
        site = _site_of(apps, version.author_id)
        number = min(hours[site.code], MOST_HOURS)
        apps.get_model("workflows", "RuleTimer").objects.create(
            version=published[number], event_id=event.pk, site=site, due_at=event.occurred_at + timedelta(hours=number)
        )


def make_rules(apps, schema_editor):
    """A plant that is new gets the shipped rule with all else."""
    said = dict(apps.get_model("andon", "SiteRules").objects.values_list("site__code", "approval_hours"))
    sites = apps.get_model("plant", "Site").objects.values_list("code", flat=True)
    hours = {site: said.get(site, AS_SHIPPED_HOURS) for site in sites}
    if not hours:
        return
    published = {
        content.get("after_seconds", 0) // 3600: _publish(apps, content) for content in rules_of(hours)
    }
    _go_on_waiting(apps, published, hours)


class Migration(migrations.Migration):
    dependencies = [
        ("andon", "0014_recurrence_of_types_goes"),
        ("core", "0003_ownership"),
        ("workflows", "0053_windows_of_days"),
    ]

    operations = [migrations.RunPython(make_rules, migrations.RunPython.noop)]
