"""What the commands of this app do with rows in the same way."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.plant.models import Person

M = TypeVar("M", bound=Model)


def found(context: Context, rows: QuerySet[M], key: object) -> M:
    """The row; refuses when there is none."""
    row = rows.filter(pk=key).first()
    if row is None:
        context.refuse("not_found", _("It does not exist any more. Reload the page."))
    return row


def alone_with(*key: object) -> None:
    """Waits until no other transaction is at work on the same thing, and keeps others waiting to its own end.

    For what has no row that could be locked: stock of an item at a place, a movement (append-only).
    """
    with connection.cursor() as cursor:
        name = ":".join(map(str, ("materials", *key)))
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def save_signed(context: Context, row: Any) -> None:
    """The row's history names who acted, as far as it is a person."""
    row._history_user = Person(pk=context.actor.person_id)
    row.save()
