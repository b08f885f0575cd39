"""At a desk the one who is signed in proves it anew before they sign: by their own password, and nobody else's."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.commands import sign_in_at_desk
from apps.plant.models import Person


def prove_by_password(actor: Actor, password: str) -> UUID:
    """The command id of the proof.  Refused: nobody, sign_in."""
    person = Person.objects.get_queryset().filter(pk=actor.person_id).first() if actor.person_id else None
    if person is None:
        raise CommandRefused("nobody", _("Sign in first: a signature has a name."))
    proof = uuid4()
    answer = sign_in_at_desk(Actor.system("desk"), proof, username=person.username, password=SecretStr(password))
    if answer.person_id is None:
        raise CommandRefused("sign_in", answer.sentence)
    return proof
