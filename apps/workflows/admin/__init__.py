from apps.workflows.admin import stops, versions

__all__ = ["stops", "versions"]
