"""Floor 7: what a shift is to make, and whether it will."""
