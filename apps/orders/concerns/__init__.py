"""What stopped orders mean to those who must know of it: planner, customer service, purchasing, quality."""

from apps.orders.concerns import changes, machines, shortages

__all__ = ["changes", "machines", "shortages"]
