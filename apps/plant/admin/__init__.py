from apps.plant.admin import calendars, duty, people, places, roles, terminals

__all__ = ["calendars", "duty", "people", "places", "roles", "terminals"]
