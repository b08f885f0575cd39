"""Floor 2: how the plant works, as data: versions, states, edges, guards; and the one engine that moves an item."""
