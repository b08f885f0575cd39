"""What all pages of a version share: the address, the right, the header with its tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from apps.core import clock, rights
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.studio.tabs import PAGES, Page


def urls_of_pages(site: AdminSite, pages: Sequence[Page], rows: QuerySet[Any]) -> list[URLPattern]:
    return [
        path(
            f"<int:version_id>/{page.name.replace('_', '-')}/", site.admin_view(_opened(page, rows)), name=page.url_name
        )
        for page in pages
    ]


def _opened(page: Page, rows: QuerySet[Any]) -> Callable[..., HttpResponse]:
    view = page.function

    @wraps(view)
    def opened(request: HttpRequest, version_id: int) -> HttpResponse:
        if not rights.may(actor_of(request), page.action, EVERYWHERE):
            raise PermissionDenied
        return view(request, get_object_or_404(rows.all(), pk=version_id))

    return opened


def shown(
    request: HttpRequest, version: Version, name: str, template: str, context: Mapping[str, Any], *, status: int = 200
) -> TemplateResponse:
    """The page `name`, whose template extends workflows/studio/base.html and fills its block `studio`."""
    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "title": str(version),
            "opts": Version._meta,
            "is_fullwidth": "1",
            **header(version, name),
            **context,
        },
        status=status,
    )


def header(version: Version, name: str) -> dict[str, Any]:
    """For workflows/studio/_header.html; `name` is that of the page shown."""
    against = in_force_beside(version)
    tabs = [(page.label, page.address(version.pk), page.name == name) for page in PAGES if page.label]
    tabs.append((_("As text"), reverse("admin:workflows_version_change", args=[version.pk]), name == "text"))
    return {
        "version": version,
        "heading": version.workflow.name,
        "against": against,
        "against_since": against.effective_from if against else None,
        "in_flight": in_flight(against) if against else 0,
        "studio_tabs": tabs,
    }


def in_force_beside(version: Version) -> Version | None:
    """The version that new items start on today; what another one is compared with. None for itself."""
    found = Version.objects.in_force(at=clock.now()).filter(workflow=version.workflow_id).first()
    return found if found and found.pk != version.pk else None


def in_flight(version: Version) -> int:
    """Items on their way in the version."""
    kind = KINDS.get(version.workflow.kind)
    if kind is None:
        return 0
    return kind.model._base_manager.filter(workflow_version=version).exclude(status__in=kind.final_statuses).count()
