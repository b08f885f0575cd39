"""What is copied or pointed at must agree: a line's site is its area's, its counting station is one of its own.

Foreign keys over two columns, which Django can't declare; each leans on a unique constraint of the model.
"""

from django.db import migrations

KEYS = [
    ("plant_workcenter", "work_center_site_is_the_areas", "area_id, site_id", "plant_area (id, site_id)"),
    ("plant_workcenter", "work_center_calendar_of_its_site", "calendar_id, site_id", "plant_workcalendar (id, site_id)"),
    ("plant_workunit", "work_unit_site_is_the_work_centers", "work_center_id, site_id", "plant_workcenter (id, site_id)"),
    ("plant_workcenter", "counting_unit_is_its_own", "counting_unit_id, id", "plant_workunit (id, work_center_id)"),
    ("plant_terminal", "terminal_line_of_its_site", "work_center_id, site_id", "plant_workcenter (id, site_id)"),
    ("plant_terminal", "terminal_station_of_its_site", "work_unit_id, site_id", "plant_workunit (id, site_id)"),
    ("plant_reasoncode", "reason_parent_same_purpose", "parent_id, purpose", "plant_reasoncode (id, purpose)"),
]


class Migration(migrations.Migration):
    dependencies = [("plant", "0001_tables")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {target}",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )
        for table, name, columns, target in KEYS
    ]
