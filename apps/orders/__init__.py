"""Floor 5: work orders and their operations, as the floor runs them."""
