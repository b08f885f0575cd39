"""What listens here: the rules that engineers have made."""

from __future__ import annotations

from apps.core.events import listen_to_all
from apps.workflows.rules.running import follow_rules

listen_to_all(follow_rules)
