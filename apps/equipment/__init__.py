"""Floor 4: what machines do: states, stops, signals, losses."""
