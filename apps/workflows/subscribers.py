"""What listens here: the rules that engineers have made; and what they may ask of items."""

from __future__ import annotations

from apps.core.events import listen_to_all
from apps.workflows.rules import subjects
from apps.workflows.rules.running import follow_rules

__all__ = ["subjects"]

listen_to_all(follow_rules)
