"""What a row looked like: django-simple-history, append-only, naming people by id.

People, badges and free text have no history: they must stay erasable. Who changed a person is a ledger event.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from apps.core.triggers import append_only


def user_id_of(historical_instance: Any, **_: Any) -> int | None:
    user_id: int | None = historical_instance.history_user_id
    return user_id


def set_user_id(historical_instance: Any, user: Any) -> None:
    historical_instance.history_user_id = getattr(user, "pk", None)


class Manager(HistoryManager):
    @classmethod
    @cache
    def from_queryset(cls, queryset_class: type[models.QuerySet[Any]]) -> Any:
        """Made once: simple-history asks for the class anew at each save, and inspects every method to build it."""
        return super().from_queryset(queryset_class)


class History(HistoricalRecords):
    """`history = History()` on every model that people change."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("history_manager", Manager)
        options.setdefault("history_user_id_field", models.BigIntegerField(null=True))
        options.setdefault("history_user_getter", user_id_of)
        options.setdefault("history_user_setter", set_user_id)
        super().__init__(**options)

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        return {**super().get_meta_options(model), "triggers": append_only()}
