"""What this app puts into packages is declared where it is written."""

from apps.workflows.packages import needs, rules, workflows

__all__ = ["needs", "rules", "workflows"]
