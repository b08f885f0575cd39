from apps.workflows.admin import photos, rules, stops, versions

__all__ = ["photos", "rules", "stops", "versions"]
