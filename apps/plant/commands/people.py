"""People come, change and leave; nobody is deleted, for the history names them by id."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core.commands import Context, FreeText, command
from apps.core.live import ACCESS
from apps.core.rights import EVERYWHERE
from apps.plant.actions import MANAGE_PEOPLE
from apps.plant.commands.rows import locked, save
from apps.plant.events import (
    PasswordSet,
    PersonChanged,
    PersonCreated,
    PersonDeactivated,
    PersonDeactivating,
    PersonReactivated,
    PinSet,
)
from apps.plant.models.people import Person
from apps.plant.models.places import Site
from apps.plant.presence import leave


@command("plant.create_person")
def create_person(
    context: Context,
    *,
    username: FreeText,
    name: FreeText,
    badge: FreeText = "",
    language: str = settings.LANGUAGE_CODE,
    site_id: int | None = None,
    is_staff: bool = False,
) -> int:
    """The id of the new person, who has neither PIN nor password nor role yet.  Refused: not_valid."""
    _allow_site(context, site_id)
    person = Person(
        username=username, name=name, badge=badge or None, language=language, site_id=site_id, is_staff=is_staff
    )
    person.set_unusable_password()
    save(context, person)
    context.record(PersonCreated(subject_id=person.pk, site_id=site_id))
    return person.pk


@command("plant.change_person")
def change_person(
    context: Context,
    *,
    person_id: int,
    username: FreeText,
    name: FreeText,
    badge: FreeText,
    language: str,
    site_id: int | None,
    is_staff: bool,
) -> None:
    """Sets all of these.  Refused: not_valid, not_found."""
    person = _managed(context, person_id)
    if site_id != person.site_id:
        _allow_site(context, site_id)
    wanted = {
        "username": username,
        "name": name,
        "badge": badge or None,
        "language": language,
        "site_id": site_id,
        "is_staff": is_staff,
    }
    changed = tuple(field for field, value in wanted.items() if getattr(person, field) != value)
    if not changed:
        return
    for field in changed:
        setattr(person, field, wanted[field])
    save(context, person)
    context.record(PersonChanged(subject_id=person.pk, site_id=person.site_id, fields=changed))
    context.touch(ACCESS)


@command("plant.set_pin")
def set_pin(context: Context, *, person_id: int, pin: SecretStr) -> None:
    """Ends the person's sessions.  Refused: not_valid for a PIN too short or too easy."""
    person = _managed(context, person_id)
    try:
        person.set_pin(pin.get_secret_value())
    except ValidationError as error:
        context.refuse("not_valid", " ".join(error.messages))
    save(context, person)
    context.record(PinSet(subject_id=person.pk, site_id=person.site_id))
    context.touch(ACCESS)


@command("plant.set_password")
def set_password(context: Context, *, person_id: int, password: SecretStr) -> None:
    """Ends the person's sessions.  Refused: not_valid."""
    person = _managed(context, person_id)
    try:
        validate_password(password.get_secret_value(), person)
    except ValidationError as error:
        context.refuse("not_valid", " ".join(error.messages))
    person.set_password(password.get_secret_value())
    save(context, person)
    context.record(PasswordSet(subject_id=person.pk, site_id=person.site_id))
    context.touch(ACCESS)


@command("plant.deactivate_person")
def deactivate_person(context: Context, *, person_id: int) -> None:
    """From the next request on this person is nobody, and no longer at work.

    Refused: own_account, and by a subscriber of PersonDeactivating who can't do without the person.
    """
    person = _managed(context, person_id)
    if person.pk == context.actor.person_id:
        context.refuse("own_account", _("You can't deactivate yourself."), _("Somebody else who manages people can."))
    if person.is_active:
        context.record(PersonDeactivating(subject_id=person.pk, site_id=person.site_id))
        leave(context, person.pk)
        person.is_active = False
        save(context, person)
        context.record(PersonDeactivated(subject_id=person.pk, site_id=person.site_id))
        context.touch(ACCESS)


@command("plant.reactivate_person")
def reactivate_person(context: Context, *, person_id: int) -> None:
    person = _managed(context, person_id)
    if not person.is_active:
        person.is_active = True
        save(context, person)
        context.record(PersonReactivated(subject_id=person.pk, site_id=person.site_id))
        context.touch(ACCESS)


def _managed(context: Context, person_id: int) -> Person:
    person = locked(context, Person.objects.select_related("site"), person_id)
    context.allow(MANAGE_PEOPLE, at=person.scope)
    return person


def _allow_site(context: Context, site_id: int | None) -> None:
    """People of a site are managed there; people of none only by who may do so everywhere."""
    site = Site.objects.filter(pk=site_id).first() if site_id is not None else None
    context.allow(MANAGE_PEOPLE, at=site.scope if site else EVERYWHERE)
