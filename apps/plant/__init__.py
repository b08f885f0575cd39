"""Floor 1: the places, the people and their rights, terminals, calendars and reasons of the plant."""
