"""Codes of the shipped roles that have to do with orders."""

from __future__ import annotations

PLANNER, LINE_LEAD = "planner", "line_lead"
CUSTOMER_SERVICE = "customer_service"
# Those who talk to suppliers.
PURCHASING = "purchasing"

PLANNING = frozenset({PLANNER, LINE_LEAD})
QUALITY = frozenset({"inspector", "quality_engineer", "quality_lead"})
