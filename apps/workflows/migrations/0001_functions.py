"""Plain trigger functions, before the tables that use them: nothing switches them off."""

from django.db import migrations

GUARD_VERSION = """
CREATE OR REPLACE FUNCTION workflows_guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'a workflow version begins as a draft' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'version % is %: it is not deleted', OLD.id, OLD.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
    ('draft', 'in_review'), ('in_review', 'draft'), ('in_review', 'published'), ('published', 'retired')
  ) THEN
    RAISE EXCEPTION 'version % does not go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status IN ('published', 'retired')
     AND to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status' THEN
    RAISE EXCEPTION 'version % is %: it never changes', OLD.id, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.id <> OLD.id OR NEW.workflow_id <> OLD.workflow_id OR NEW.number <> OLD.number THEN
    RAISE EXCEPTION 'version % keeps its workflow and number', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status = 'in_review' AND NEW.status <> 'draft' AND (
    NEW.checksum <> OLD.checksum OR NEW.editor_ids <> OLD.editor_ids OR NEW.author_id IS DISTINCT FROM OLD.author_id
  ) THEN
    RAISE EXCEPTION 'version % is in review: what is reviewed does not change', OLD.id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'published' AND NEW.approver_id = ANY (NEW.editor_ids) THEN
    RAISE EXCEPTION 'version % is not approved by who wrote it', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

GUARD_PART = """
CREATE OR REPLACE FUNCTION workflows_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.version_id] WHEN 'DELETE' THEN ARRAY[OLD.version_id]
                             ELSE ARRAY[OLD.version_id, NEW.version_id] END;
  fixed bigint;
BEGIN
  -- The lock makes a submission wait for this edit, or this edit see the submission.
  PERFORM 1 FROM workflows_version WHERE id = ANY (ids) FOR SHARE;
  SELECT id INTO fixed FROM workflows_version WHERE id = ANY (ids) AND status <> 'draft' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% of version % never changes: it is no draft', TG_TABLE_NAME, fixed
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

GUARD_MOVE = """
CREATE OR REPLACE FUNCTION workflows_guard_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.workflow_version_id IS DISTINCT FROM OLD.workflow_version_id THEN
    RAISE EXCEPTION '% % stays on its workflow version', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation';
  END IF;
  IF coalesce(current_setting('mfgos.fire', true), '')
     <> concat_ws(':', TG_TABLE_NAME, NEW.id, OLD.state, NEW.state) THEN
    RAISE EXCEPTION 'state of % % changed outside the workflow (% to %)', TG_TABLE_NAME, OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation';
  END IF;
  IF NOT EXISTS (
    SELECT 1 FROM workflows_edge e
      JOIN workflows_state s ON s.id = e.source_id
      JOIN workflows_state t ON t.id = e.target_id
    WHERE e.version_id = NEW.workflow_version_id
      AND s.code = OLD.state AND s.status = OLD.status AND t.code = NEW.state AND t.status = NEW.status
  ) THEN
    RAISE EXCEPTION 'no edge from % (%) to % (%) in workflow version %',
      OLD.state, OLD.status, NEW.state, NEW.status, NEW.workflow_version_id USING ERRCODE = 'check_violation';
  END IF;
  -- Armed for one move: a second one has to be fired.
  PERFORM set_config('mfgos.fire', '', true);
  RETURN NEW;
END $$;
"""

GUARD_BIRTH = """
CREATE OR REPLACE FUNCTION workflows_guard_birth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM workflows_state s JOIN workflows_version v ON v.id = s.version_id
    WHERE v.id = NEW.workflow_version_id AND v.status = 'published'
      AND s.kind = 'initial' AND s.code = NEW.state AND s.status = NEW.status
  ) THEN
    RAISE EXCEPTION 'a new % begins in the initial state of a published workflow version, not in % (%) of %',
      TG_TABLE_NAME, NEW.state, NEW.status, NEW.workflow_version_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_functions")]
    operations = [
        migrations.RunSQL(GUARD_VERSION, "DROP FUNCTION workflows_guard_version()"),
        migrations.RunSQL(GUARD_PART, "DROP FUNCTION workflows_guard_part()"),
        migrations.RunSQL(GUARD_MOVE, "DROP FUNCTION workflows_guard_move()"),
        migrations.RunSQL(GUARD_BIRTH, "DROP FUNCTION workflows_guard_birth()"),
    ]
