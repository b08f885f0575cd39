"""Many rows at once, with their history: `bulk_create` and `bulk_update` alone leave none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Model
from simple_history.utils import bulk_update_with_history, get_history_model_for_model

BATCH = 500


def write_created(rows: Sequence[Model], *, user: Any) -> None:
    """`user` is whoever acts (only the id is kept), or None for a part of the system."""
    if not rows:
        return
    model = type(rows[0])
    model._default_manager.bulk_create(rows, batch_size=BATCH)
    write_copies(model, [row.pk for row in rows], "+", user=user, at=datetime.now(UTC))


def write_copies(
    model: type[Model], ids: Sequence[int], type_: str, *, user: Any, at: datetime, reason: str | None = None
) -> None:
    """History of rows that were written already ("+" created, "~" changed), from the rows themselves: they need not
    travel a second time, nor become objects again.
    """
    history: Any = get_history_model_for_model(model)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in history.tracked_fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(history._meta.db_table)} "  # noqa: S608
            f"({columns}, history_date, history_type, history_user_id, history_change_reason) "
            f"SELECT {columns}, %s, %s, %s, %s FROM {quote(model._meta.db_table)} WHERE id = ANY(%s) ORDER BY id",
            [at, type_, getattr(user, "pk", None), reason, list(ids)],
        )


def write_changed(rows: Sequence[Model], fields: Collection[str], *, user: Any) -> None:
    if rows and fields:
        bulk_update_with_history(list(rows), type(rows[0]), sorted(fields), batch_size=BATCH, default_user=user)


def write_deleted(rows: Sequence[Model], *, user: Any) -> None:
    """For rows that nothing hangs on."""
    if not rows:
        return
    model = type(rows[0])
    history: Any = get_history_model_for_model(model)
    at = datetime.now(UTC)
    history.objects.bulk_create(
        [
            history(
                history_date=at,
                history_type="-",
                history_user_id=getattr(user, "pk", None),
                **{field.attname: getattr(row, field.attname) for field in history.tracked_fields},
            )
            for row in rows
        ],
        batch_size=BATCH,
    )
    gone: Any = model._base_manager.filter(pk__in=[row.pk for row in rows])
    # The usual delete() would write the history a second time, row by row.
    gone._raw_delete(gone.db)
