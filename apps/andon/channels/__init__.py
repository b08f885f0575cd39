"""How somebody is told: one file per kind of channel."""
