"""Items move to another version along a published plan."""

from importlib import import_module

from django.db import migrations

_FIRST = import_module("apps.workflows.migrations.0001_functions")

_STAYS = """    RAISE EXCEPTION '% % stays on its workflow version', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation';
"""
_MOVES = """    IF coalesce(current_setting('mfgos.move', true), '') <> concat_ws(':', TG_TABLE_NAME, NEW.workflow_version_id)
    THEN
      RAISE EXCEPTION '% % stays on its workflow version', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
      SELECT 1 FROM workflows_version n
        JOIN workflows_version o ON o.id = OLD.workflow_version_id AND o.workflow_id = n.workflow_id
        JOIN workflows_state s ON s.version_id = n.id AND s.code = NEW.state AND s.status = NEW.status
        JOIN workflows_state b ON b.version_id = o.id AND b.code = OLD.state AND b.status = OLD.status
        JOIN workflows_moveline l
          ON l.version_id = n.id AND l.from_version_id = o.id AND l.from_state = OLD.state
        LEFT JOIN workflows_movedecision d ON d.version_id = n.id AND d.item_id = NEW.id
      WHERE n.id = NEW.workflow_version_id AND n.status = 'published' AND o.status IN ('published', 'retired')
        AND (l.course = 'move' AND l.to_state = NEW.state OR l.course = 'decide' AND d.to_state = NEW.state)
    ) THEN
      RAISE EXCEPTION 'no published plan moves % % from % of version % to % (%) of version %', TG_TABLE_NAME, OLD.id,
        OLD.state, OLD.workflow_version_id, NEW.state, NEW.status, NEW.workflow_version_id
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
GUARD_MOVE = _FIRST.GUARD_MOVE.replace(_STAYS, _MOVES)

GUARD_OWN_WORK = """
CREATE OR REPLACE FUNCTION workflows_guard_own_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = 'published' AND OLD.status = 'in_review' AND NEW.approver_id = NEW.author_id AND NOT EXISTS (
    SELECT 1 FROM workflows_version v
    WHERE v.workflow_id = NEW.workflow_id AND v.id <> NEW.id AND v.checksum = NEW.checksum
      AND v.status IN ('published', 'retired')
  ) THEN
    RAISE EXCEPTION 'version % is new: it is not approved by who wrote it', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

GUARD_DECISION = """
CREATE OR REPLACE FUNCTION workflows_guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.version_id] WHEN 'DELETE' THEN ARRAY[OLD.version_id]
                             ELSE ARRAY[OLD.version_id, NEW.version_id] END;
  fixed record;
BEGIN
  PERFORM 1 FROM workflows_version WHERE id = ANY (ids) FOR SHARE;
  FOR fixed IN SELECT id, status, editor_ids FROM workflows_version WHERE id = ANY (ids) AND status <> 'draft' LOOP
    IF TG_OP <> 'INSERT' OR fixed.status <> 'published' THEN
      RAISE EXCEPTION '% of version % never changes: it is no draft', TG_TABLE_NAME, fixed.id
        USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.decided_by_id IS NULL OR NEW.decided_by_id = ANY (fixed.editor_ids) THEN
      RAISE EXCEPTION 'what becomes of % is not decided by who wrote version %', NEW.item_id, fixed.id
        USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

assert GUARD_MOVE != _FIRST.GUARD_MOVE  # noqa: S101


class Migration(migrations.Migration):
    dependencies = [("workflows", "0031_signatures")]
    operations = [
        migrations.RunSQL(GUARD_MOVE, _FIRST.GUARD_MOVE),
        migrations.RunSQL(GUARD_OWN_WORK, "DROP FUNCTION workflows_guard_own_work()"),
        migrations.RunSQL(GUARD_DECISION, "DROP FUNCTION workflows_guard_decision()"),
    ]
