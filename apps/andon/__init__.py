"""Floor 3: what needs a person: its owner, its clocks, who is told when."""
