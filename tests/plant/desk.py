"""The engineers' pages as a person at a desk meets them: who sits there, and what a form would send."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from apps.plant.models import (
    Person,
)
from tests.world import (
    World,
    give_skill,
    make_calendar,
    make_holder,
    make_reason,
    make_terminal,
    make_world,
)


def make_pages_world() -> World:
    """A row of each kind that has pages."""
    world = make_world()
    make_calendar(world.site)
    make_terminal(world.site, station=world.station, code="T1")
    make_reason("scrap", "crack")
    give_skill(world.olga, "welding")
    return world


def at_desk(person: Person) -> Client:
    Person.objects.get_queryset().filter(pk=person.pk).update(is_staff=True)
    client = Client()
    client.force_login(Person.objects.get_queryset().get(pk=person.pk))
    return client


def with_right(*actions: str, **where: Any) -> Client:
    return at_desk(make_holder(*actions, **where))


def page(model: type, name: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:plant_{model.__name__.lower()}_{name}", args=args)  # type: ignore[attr-defined]


def values_of(response: Any) -> dict[str, Any]:
    """What the form on the page would send if nothing were changed."""
    context = response.context
    forms: list[Any] = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent: dict[str, Any] = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:
                sent[bound.html_name] = value
    return sent
