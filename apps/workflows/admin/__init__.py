from apps.workflows.admin import rules, stops, versions

__all__ = ["rules", "stops", "versions"]
