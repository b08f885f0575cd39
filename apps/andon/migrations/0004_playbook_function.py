"""What holds the steps of a published playbook, before the table that uses it."""

from django.db import migrations

GUARD_PLAYBOOK_PART = """
CREATE OR REPLACE FUNCTION andon_guard_playbook_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.version_id] WHEN 'DELETE' THEN ARRAY[OLD.version_id]
                             ELSE ARRAY[OLD.version_id, NEW.version_id] END;
BEGIN
  -- The lock makes a publication wait for this edit, or this edit see the publication.
  PERFORM 1 FROM andon_playbookversion WHERE id = ANY (ids) FOR SHARE;
  IF EXISTS (SELECT 1 FROM andon_playbookversion WHERE id = ANY (ids) AND status <> 'draft') THEN
    RAISE EXCEPTION 'a published playbook never changes: make a new version of it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("andon", "0003_delivery")]
    operations = [migrations.RunSQL(GUARD_PLAYBOOK_PART, "DROP FUNCTION andon_guard_playbook_part()")]
