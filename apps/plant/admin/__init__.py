from apps.plant.admin import calendars, people, places, roles, terminals

__all__ = ["calendars", "people", "places", "roles", "terminals"]
