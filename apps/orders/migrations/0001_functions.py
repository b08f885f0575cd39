"""Plain trigger functions, before the tables that use them: nothing switches them off."""

from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations

GUARD_MASTER = """
CREATE OR REPLACE FUNCTION orders_guard_master() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'standard work begins as a draft' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'standard work % is %: it is not deleted', OLD.id, OLD.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF NEW.id <> OLD.id OR NEW.number <> OLD.number THEN
    RAISE EXCEPTION 'standard work % keeps its number', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status <> OLD.status
     AND (OLD.status, NEW.status) NOT IN (('draft', 'published'), ('published', 'retired')) THEN
    RAISE EXCEPTION 'standard work % does not go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status <> 'draft' AND to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status' THEN
    RAISE EXCEPTION 'standard work % is %: it never changes', OLD.id, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

GUARD_MASTER_STEP = """
CREATE OR REPLACE FUNCTION orders_guard_master_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.master_id] WHEN 'DELETE' THEN ARRAY[OLD.master_id]
                             ELSE ARRAY[OLD.master_id, NEW.master_id] END;
  fixed bigint;
BEGIN
  -- The lock makes a publication wait for this edit, or this edit see the publication.
  PERFORM 1 FROM orders_workmaster WHERE id = ANY (ids) FOR SHARE;
  SELECT id INTO fixed FROM orders_workmaster WHERE id = ANY (ids) AND status <> 'draft' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'steps of standard work % never change: it is no draft', fixed USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


class Migration(migrations.Migration):
    replaces = [("orders", "0003_standard_work_functions")]
    initial = True
    dependencies = [("core", "0001_functions")]
    operations = [
        # Trusted: the owner of the database may create it. Gives exclusion constraints "=" on job orders.
        BtreeGistExtension(),
        migrations.RunSQL(GUARD_MASTER, "DROP FUNCTION orders_guard_master()"),
        migrations.RunSQL(GUARD_MASTER_STEP, "DROP FUNCTION orders_guard_master_step()"),
    ]
