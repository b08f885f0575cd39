"""What all pages of a version of a rule share: the header with its tabs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core import clock
from apps.workflows.models import RuleVersion
from apps.workflows.rules.in_force import in_force_beside
from apps.workflows.studio.tabs import RULE_PAGES

EDIT_PAGE = "edit"


def address_of(version_id: int) -> str:
    return reverse("admin:workflows_ruleversion_change", args=[version_id])


def shown(
    request: HttpRequest, version: RuleVersion | None, name: str, template: str, context: Mapping[str, Any]
) -> TemplateResponse:
    """The page `name`, whose template extends workflows/studio/base.html and fills its block `studio`.

    version  None: of a rule that is not saved yet
    """
    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "title": str(version) if version else _("New rule"),
            "opts": RuleVersion._meta,
            "is_fullwidth": "1",
            "version": version,
            **(_header(version, name) if version else {}),
            **context,
        },
    )


def _header(version: RuleVersion, name: str) -> dict[str, Any]:
    """For workflows/studio/_header.html."""
    against = in_force_beside(version, clock.now())
    tabs = [(_("Edit"), address_of(version.pk), name == EDIT_PAGE)]
    tabs += [(str(page.label), page.address(version.pk), page.name == name) for page in RULE_PAGES]
    return {
        "heading": version.rule.name,
        "against": against,
        "against_since": against.published_at if against else None,
        "studio_tabs": tabs,
    }
