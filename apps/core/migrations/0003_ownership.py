"""The guard of what the ERP owns, as a plain function: nothing switches it off."""

from django.db import migrations, models

HAS_AUTHORITY = """
CREATE OR REPLACE FUNCTION mfgos_has_authority() RETURNS boolean LANGUAGE sql AS $$
  SELECT coalesce(current_setting('mfgos.authority', true), '') = 'erp:' || pg_current_xact_id()
$$;
"""

IS_ERPS = """
-- decides: a column of the row that is not empty, or column>table of a parent row with an erp_key.
CREATE OR REPLACE FUNCTION mfgos_is_erps(row_ jsonb, decides text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  found_ boolean;
BEGIN
  IF strpos(decides, '>') = 0 THEN
    RETURN coalesce(row_ ->> decides, '') <> '';
  END IF;
  EXECUTE format('SELECT erp_key <> '''' FROM %I WHERE id = $1', split_part(decides, '>', 2))
    INTO found_ USING (row_ ->> split_part(decides, '>', 1))::bigint;
  RETURN coalesce(found_, false);
END $$;
"""

GUARD = """
-- TG_ARGV: model, what decides whose a row is (see mfgos_is_erps), then field:column:owner of each declared field.
CREATE OR REPLACE FUNCTION mfgos_guard_ownership() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before_ jsonb;
  after_ jsonb;
  was boolean := false;
  becomes boolean := false;
  part text[];
  owner_ text;
BEGIN
  IF mfgos_has_authority() THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION '% holds rows of the ERP: it is not emptied', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP <> 'INSERT' THEN
    before_ := to_jsonb(OLD);
    was := mfgos_is_erps(before_, TG_ARGV[1]);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    after_ := to_jsonb(NEW);
    becomes := mfgos_is_erps(after_, TG_ARGV[1]);
  END IF;
  IF NOT was AND NOT becomes THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP <> 'UPDATE' OR was <> becomes THEN
    RAISE EXCEPTION 'only the ERP makes, takes and removes its rows of % (% refused)', TG_ARGV[0], TG_OP
      USING ERRCODE = 'restrict_violation';
  END IF;
  FOR i IN 2 .. TG_NARGS - 1 LOOP
    part := string_to_array(TG_ARGV[i], ':');
    CONTINUE WHEN before_ -> part[2] IS NOT DISTINCT FROM after_ -> part[2];
    owner_ := part[3];
    IF owner_ <> 'fixed' THEN
      SELECT o.owner INTO owner_ FROM core_fieldownership o
        WHERE o.model = TG_ARGV[0] AND o.field = part[1]
          AND (o.site_id IS NULL OR o.site_id = (before_ ->> 'site_id')::bigint)
        ORDER BY o.site_id NULLS LAST LIMIT 1;
      owner_ := coalesce(owner_, part[3]);
    END IF;
    IF owner_ <> 'mfgos' THEN
      RAISE EXCEPTION '% of % % is the ERP''s: it changes only under ERP authority', part[1], TG_ARGV[0],
        before_ ->> 'id' USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_ledger_receipts_clock")]
    operations = [
        migrations.CreateModel(
            name='FieldOwnership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(help_text='materials.Item', max_length=80, verbose_name='table')),
                ('field', models.CharField(max_length=80, verbose_name='field')),
                ('owner', models.CharField(choices=[('erp', 'ERP'), ('mfgos', 'mfgos')], max_length=5, verbose_name='owner')),
                ('site_id', models.BigIntegerField(blank=True, null=True, verbose_name='site')),
            ],
            options={
                'verbose_name': 'ownership of a field',
                'verbose_name_plural': 'ownership of fields',
                'ordering': ['model', 'field', 'site_id'],
                'constraints': [models.UniqueConstraint(fields=('model', 'field', 'site_id'), name='one_owner_per_field_and_site', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('owner__in', ['erp', 'mfgos'])), name='owner_known')],
            },
        ),
        migrations.RunSQL(HAS_AUTHORITY, "DROP FUNCTION mfgos_has_authority()"),
        migrations.RunSQL(IS_ERPS, "DROP FUNCTION mfgos_is_erps(jsonb, text)"),
        migrations.RunSQL(GUARD, "DROP FUNCTION mfgos_guard_ownership()"),
    ]
