"""Packages on the list of versions: export what is ticked; import a file or a book of the library."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.core.errors import CommandRefused
from apps.plant.administration import by
from apps.workflows.models import Version
from apps.workflows.packages.commands import export_package
from apps.workflows.packages.pages import import_page, library_page


class PackagesMixin:
    """For the admin of something that packages hold; `exportable` is what it is called there."""

    exportable = "workflow"
    actions: Any = ["export_package"]
    actions_list = ["import_package", "library"]

    @admin.action(description=_("Export as a package"), permissions=["view"])
    def export_package(self, request: HttpRequest, queryset: QuerySet[Version]) -> HttpResponse | None:
        rows = list(queryset.order_by("pk"))
        title = ", ".join(sorted({str(row) for row in rows}))
        try:
            text = export_package(*by(request), title=title, picked={self.exportable: [row.pk for row in rows]})
        except CommandRefused as refusal:
            messages.error(request, str(refusal))
            return None
        return HttpResponse(
            text,
            content_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="package.json"'},
        )

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Import a package"), url_path="import-package", permissions=["add"]
    )
    def import_package(self, request: HttpRequest) -> HttpResponse:
        return import_page(request)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Library"), url_path="library", permissions=["add"]
    )
    def library(self, request: HttpRequest) -> HttpResponse:
        return library_page(request)
