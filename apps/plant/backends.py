"""Sign-in at a desk, for Django's login forms."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from pydantic import SecretStr

from apps.core.actors import Actor, Origin
from apps.plant.commands import sign_in_at_desk
from apps.plant.models.people import Person


class PersonBackend:
    """Rights are not its business: Person answers for them from roles."""

    def authenticate(
        self, _request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Person | None:
        if not username or not password:
            return None
        answer = sign_in_at_desk(
            Actor.system("desk", Origin.CHOSEN), uuid4(), username=username, password=SecretStr(password)
        )
        return self.get_user(answer.person_id) if answer.person_id else None

    def get_user(self, user_id: int) -> Person | None:
        return Person.objects.get_queryset().filter(pk=user_id, is_active=True).first()
