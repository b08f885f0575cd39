"""What the commands of this app do with rows in the same way."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.plant.models.people import Person

M = TypeVar("M", bound=Model)


def locked(context: Context, rows: QuerySet[M], key: object) -> M:
    """The row, locked until the end of the command; refuses when there is none."""
    row = rows.select_for_update(of=("self",)).filter(pk=key).first()
    if row is None:
        context.refuse("not_found", _("It does not exist any more. Reload the page."))
    return row


def check(context: Context, row: Model) -> None:
    """Refuses with the sentences of the model's own validation."""
    try:
        row.full_clean()
    except ValidationError as error:
        context.refuse("not_valid", " ".join(error.messages))


def save(context: Context, row: Any) -> None:
    """Checks, and writes under the name of the one who acts."""
    check(context, row)
    sign(context, row)
    row.save()


def delete(context: Context, row: Any) -> None:
    sign(context, row)
    row.delete()


def sign(context: Context, row: Any) -> None:
    """The row's history names who acted, as far as it is a person."""
    row._history_user = Person(pk=context.actor.person_id)
