"""An open blocker that needs a person has an open exception; the database holds it, whoever writes."""

import django.db.models.deletion
from apps.core.schema import AtOnce
from django.db import migrations, models

# Blockers of before are opened anew, with their exceptions, by the worker that looks at their items again.
OPEN_ANEW = """
INSERT INTO orders_materialrecheck (item_id)
SELECT DISTINCT item.id FROM orders_blocker AS blocker JOIN materials_item AS item ON item.code = blocker.facts ->> 'item'
WHERE blocker.closed_at IS NULL AND blocker.kind = 'material';
UPDATE orders_blocker SET closed_at = greatest(opened_at, now()) WHERE closed_at IS NULL AND kind = 'material';
"""

# At the end of the transaction: an exception is raised before its blocker, and closed after it.
EXCEPTION_IS_OPEN = """
CREATE OR REPLACE FUNCTION orders_exception_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM orders_blocker AS blocker JOIN andon_floorexception AS exception ON exception.id = blocker.exception_id
    WHERE blocker.closed_at IS NULL AND exception.closed_at IS NOT NULL
      AND CASE TG_TABLE_NAME WHEN 'orders_blocker' THEN blocker.id = NEW.id ELSE exception.id = NEW.id END
  ) THEN
    RAISE EXCEPTION 'an open blocker has an open exception (% %)', TG_TABLE_NAME, NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_blocker_has_open_exception AFTER INSERT OR UPDATE ON orders_blocker
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.closed_at IS NULL AND NEW.exception_id IS NOT NULL) EXECUTE FUNCTION orders_exception_is_open();
CREATE CONSTRAINT TRIGGER orders_exception_outlives_blockers AFTER UPDATE OF closed_at ON andon_floorexception
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL) EXECUTE FUNCTION orders_exception_is_open();
"""
NO_MORE = """
DROP TRIGGER orders_exception_outlives_blockers ON andon_floorexception;
DROP TRIGGER orders_blocker_has_open_exception ON orders_blocker;
DROP FUNCTION orders_exception_is_open();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("andon", "0002_tables"),
        ("materials", "0001_tables"),
        ("orders", "0002_tables"),
        ("plant", "0004_reasons_of_exceptions"),
    ]

    operations = [
        migrations.RunSQL(OPEN_ANEW, migrations.RunSQL.noop),
        AtOnce(
            operations=[
                migrations.RemoveField(model_name="blocker", name="exception_id"),
                migrations.AddField(
                    model_name="blocker", name="cause_key", field=models.CharField(blank=True, max_length=80)
                ),
                migrations.AddField(
                    model_name="blocker",
                    name="exception",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blockers",
                        to="andon.floorexception",
                        verbose_name="exception",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="blocker",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", False),
                            ("kind", "predecessor"),
                            ("exception__isnull", False),
                            _connector="OR",
                        ),
                        name="open_blocker_has_an_exception",
                    ),
                ),
                migrations.RunSQL(EXCEPTION_IS_OPEN, NO_MORE),
            ],
        ),
    ]
