"""Pages of what is fixed once it is published: open while it is a draft; the database refuses it later as well."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.andon.models.versions import Published
from apps.plant.administration import InlineMixin


def _is_open(version: Published | None) -> bool:
    return version is None or version.is_draft


class DraftMixin:
    """The page of a version: it is begun by a command, never added. Stands before the admin's base class.

    The page and its rows are saved in one transaction: nothing half changed is ever published.
    """

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)  # type: ignore[misc]  # mixed into an admin


class DraftRowsMixin(InlineMixin):
    """The rows on it."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
