"""One life for the versions of everything: what is reviewed is all of a row but its approval, editors stay editors, and
what somebody has edited is approved by somebody.
"""

from importlib import import_module

from django.db import migrations

_RULES = import_module("apps.workflows.migrations.0032_rules")

_KEPT = """  FOREACH kept IN ARRAY ARRAY['id', 'workflow_id', 'rule_id', 'number'] LOOP
    IF after -> kept IS DISTINCT FROM before -> kept THEN
      RAISE EXCEPTION 'version % keeps its %', OLD.id, kept USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  IF OLD.status = 'in_review' AND NEW.status <> 'draft' THEN
    FOREACH kept IN ARRAY ARRAY['checksum', 'editor_ids', 'author_id', 'applies_to', 'event', 'content'] LOOP
      IF after -> kept IS DISTINCT FROM before -> kept THEN
        RAISE EXCEPTION 'version % is in review: what is reviewed does not change (%)', OLD.id, kept
          USING ERRCODE = 'check_violation';
      END IF;
    END LOOP;
  END IF;
"""
_KEPT_OF_ALL = """  FOR kept IN SELECT name FROM jsonb_object_keys(before) AS names(name)
    WHERE name IN ('id', 'number') OR name LIKE '%\\_id' AND name <> 'approver_id'
  LOOP
    IF after -> kept IS DISTINCT FROM before -> kept THEN
      RAISE EXCEPTION 'version % keeps its %', OLD.id, kept USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  IF OLD.status = 'in_review' AND NEW.status <> 'draft'
     AND after - approval IS DISTINCT FROM before - approval THEN
    RAISE EXCEPTION 'version % is in review: what is reviewed does not change', OLD.id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NOT NEW.editor_ids @> OLD.editor_ids THEN
    RAISE EXCEPTION 'version % keeps its editors: who has written it has written it', OLD.id
      USING ERRCODE = 'check_violation';
  END IF;
"""
_DECLARED = "  kept text;\n"
_DECLARED_TOO = (
    _DECLARED + "  approval text[] := ARRAY['status', 'approver_id', 'note', 'published_at', 'effective_from'];\n"
)
_NOT_OWN = "  IF NEW.status = 'published' AND NEW.approver_id = ANY (NEW.editor_ids) THEN\n"
_BY_SOMEBODY_ELSE = """  IF NEW.status = 'published' AND cardinality(NEW.editor_ids) > 0
     AND (NEW.approver_id = ANY (NEW.editor_ids)) IS NOT FALSE THEN
"""
GUARD_VERSION = _RULES.GUARD_VERSION
for _old, _new in ((_KEPT, _KEPT_OF_ALL), (_DECLARED, _DECLARED_TOO), (_NOT_OWN, _BY_SOMEBODY_ELSE)):
    assert GUARD_VERSION.count(_old) == 1  # noqa: S101
    GUARD_VERSION = GUARD_VERSION.replace(_old, _new)


class Migration(migrations.Migration):
    dependencies = [("workflows", "0055_simulations_of_rules")]
    operations = [migrations.RunSQL(GUARD_VERSION, _RULES.GUARD_VERSION)]
