"""Plain trigger functions, before the tables that use them: nothing switches them off."""

from django.db import migrations

GUARD_POLICY = """
CREATE OR REPLACE FUNCTION andon_guard_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'a version of a policy begins as a draft' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'version % of a policy is %: it is not deleted', OLD.id, OLD.status
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (('draft', 'published'), ('published', 'retired')) THEN
    RAISE EXCEPTION 'version % of a policy does not go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status <> 'draft' AND to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status' THEN
    RAISE EXCEPTION 'version % of a policy is %: it never changes', OLD.id, OLD.status
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

GUARD_POLICY_PART = """
CREATE OR REPLACE FUNCTION andon_guard_policy_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.version_id] WHEN 'DELETE' THEN ARRAY[OLD.version_id]
                             ELSE ARRAY[OLD.version_id, NEW.version_id] END;
BEGIN
  -- The lock makes a publication wait for this edit, or this edit see the publication.
  PERFORM 1 FROM andon_policyversion WHERE id = ANY (ids) FOR SHARE;
  IF EXISTS (SELECT 1 FROM andon_policyversion WHERE id = ANY (ids) AND status <> 'draft') THEN
    RAISE EXCEPTION 'a published policy never changes: make a new version of it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_functions")]
    operations = [
        migrations.RunSQL(GUARD_POLICY, "DROP FUNCTION andon_guard_policy()"),
        migrations.RunSQL(GUARD_POLICY_PART, "DROP FUNCTION andon_guard_policy_part()"),
    ]
