"""Versions of policies and of playbooks live as those of workflows and rules do: reviewed, with all who have written them."""

import hashlib
import json
from importlib import import_module

import django.contrib.postgres.fields
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


_FIRST = import_module("apps.andon.migrations.0001_functions")

FIGURES = (
    *("counting", "response_minutes", "resolution_minutes", "remind_minutes", "unack_minutes", "recheck_minutes"),
    *("snooze_minutes", "pause_minutes", "informs"),
)
POLICY_STEP = (
    *("position", "after_minutes", "target", "role_id", "person_id", "channel", "condition", "repeat_minutes"),
)
PLAYBOOK_STEP = ("position", "code", "labels", "cure", "inputs", "acts_alone")


def checksum_of(version, figures, step):
    content = {
        "own": {name: getattr(version, name) for name in figures},
        "steps": [{name: getattr(row, name) for name in step} for row in version.steps.order_by("position")],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def carry(apps, schema_editor):
    """Who has saved the page of a policy stands in its log: the row named the last of them alone."""
    for version in apps.get_model("andon", "PolicyVersion").objects.all():
        _carry(version, _savers(apps, version), FIGURES, POLICY_STEP)
    for version in apps.get_model("andon", "PlaybookVersion").objects.all():
        _carry(version, set(version.editor_ids), (), PLAYBOOK_STEP)


def _savers(apps, version):
    log = apps.get_model("admin", "LogEntry").objects.filter(
        content_type__app_label="andon", content_type__model="policyversion", object_id=str(version.pk)
    )
    # What was published is decided, and its approver is no editor of it by what was asked then.
    return set(log.values_list("user_id", flat=True)) if version.status == "draft" else set()


def _carry(version, editors, figures, step):
    version.editor_ids = sorted(editors | ({version.author_id} - {None}))
    version.checksum = checksum_of(version, figures, step)
    version.created_at = version.published_at or version.created_at
    version.save(update_fields=["editor_ids", "checksum", "created_at"])


def back_to_draft(apps, schema_editor):
    """What is in review was a draft before there were reviews."""
    for name in ("PolicyVersion", "PlaybookVersion"):
        apps.get_model("andon", name).objects.filter(status="in_review").update(status="draft")


class Migration(migrations.Migration):

    dependencies = [
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('andon', '0016_approval_hours_go'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('workflows', '0056_guard_all_versions'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='playbookversion',
            name='frozen',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='policyversion',
            name='frozen',
        ),
        migrations.RunSQL("DROP FUNCTION andon_guard_policy()", _FIRST.GUARD_POLICY),
        migrations.RemoveConstraint(
            model_name='playbookversion',
            name='one_draft_version_per_playbook',
        ),
        migrations.AddField(
            model_name='playbookversion',
            name='checksum',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='checksum'),
        ),
        migrations.AddField(
            model_name='playbookversion',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='policyversion',
            name='checksum',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='checksum'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='policyversion',
            name='editor_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, editable=False, size=None),
        ),
        migrations.AlterField(
            model_name='playbookversion',
            name='number',
            field=models.PositiveIntegerField(verbose_name='number'),
        ),
        migrations.AlterField(
            model_name='playbookversion',
            name='status',
            field=models.CharField(choices=[('draft', 'draft'), ('in_review', 'in review'), ('published', 'published'), ('retired', 'retired')], default='draft', editable=False, max_length=10, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='number',
            field=models.PositiveIntegerField(verbose_name='number'),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='status',
            field=models.CharField(choices=[('draft', 'draft'), ('in_review', 'in review'), ('published', 'published'), ('retired', 'retired')], default='draft', editable=False, max_length=10, verbose_name='status'),
        ),
        migrations.RunPython(carry, back_to_draft),
        pgtrigger.migrations.AddTrigger(
            model_name='playbookversion',
            trigger=pgtrigger.compiler.Trigger(name='frozen', sql=pgtrigger.compiler.UpsertTriggerSql(execute='workflows_guard_version()', func='RETURN NULL;', hash='362cf32a587caf905b0d4f19933c51c002aad42d', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_frozen_892a1', table='andon_playbookversion', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policyversion',
            trigger=pgtrigger.compiler.Trigger(name='frozen', sql=pgtrigger.compiler.UpsertTriggerSql(execute='workflows_guard_version()', func='RETURN NULL;', hash='f2bfabd2de6614c02bfcf15a6926e2039587d8da', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_frozen_0da76', table='andon_policyversion', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='playbookversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('draft', 'in_review'))), fields=('playbook',), name='one_open_version_per_playbook'),
        ),
        migrations.AddConstraint(
            model_name='playbookversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['published', 'retired']), _negated=True), models.Q(('published_at__isnull', False), models.Q(('checksum', ''), _negated=True)), _connector='OR'), name='published_playbook_is_dated'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('draft', 'in_review'))), fields=('policy',), name='one_open_version_per_policy'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['published', 'retired']), _negated=True), models.Q(('published_at__isnull', False), models.Q(('checksum', ''), _negated=True)), _connector='OR'), name='published_policy_is_dated'),
        ),
    ]
