"""Plain trigger functions, before the tables that use them."""

from django.db import migrations

REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION mfgos_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION mfgos_refuse_change()"),
    ]
