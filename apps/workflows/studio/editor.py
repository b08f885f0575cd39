"""The page on which a draft is changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.studio.pages import shown


def edit(request: HttpRequest, version: Version) -> HttpResponse:
    return shown(request, version, "edit", "workflows/studio/edit.html", {"definition": to_definition(version)})
