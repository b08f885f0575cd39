"""Floor 4: items, lots, stock, movements and where every lot went."""
