"""What is copied or pointed at must agree: a place is the site's, a lot is the item's.

Foreign keys over two columns, which Django can't declare; each leans on a unique constraint of the model.
"""

from django.db import migrations

KEYS = [
    ("materials_movement", "movement_from_its_site", "from_location_id, site_id", "materials_location (id, site_id)"),
    ("materials_movement", "movement_to_its_site", "to_location_id, site_id", "materials_location (id, site_id)"),
    ("materials_movement", "movement_line_of_its_site", "work_center_id, site_id", "plant_workcenter (id, site_id)"),
    ("materials_movement", "movement_lot_of_its_item", "lot_id, item_id", "materials_lot (id, item_id)"),
    ("materials_stocksnapshot", "snapshot_place_of_its_site", "location_id, site_id", "materials_location (id, site_id)"),
    ("materials_stocksnapshot", "snapshot_lot_of_its_item", "lot_id, item_id", "materials_lot (id, item_id)"),
]


class Migration(migrations.Migration):
    dependencies = [("materials", "0001_tables"), ("plant", "0002_places_agree")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {target}",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )
        for table, name, columns, target in KEYS
    ]
