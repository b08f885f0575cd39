"""The pages of one version of a workflow or a rule, in the order of their tabs. A part of the studio adds its own with
one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from apps.core.rights import Action
from apps.workflows.actions import VIEW

PageView = Callable[[HttpRequest, Any], HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Page:
    """
    name    of the address too: "graph" lies at .../version/7/graph/, and is admin:workflows_version_graph
    of      the model it is a page of, as the admin calls it
    view    where the function (request, version) -> answer stands: "apps.workflows.picture.pages.graph"
    action  the right without which the page does not open; what it posts is for its commands to judge
    label   of the tab; none: a page that other pages lead to, without a tab of its own
    """

    name: str
    view: str
    action: Action
    label: StrOrPromise = ""
    of: str = "version"

    @property
    def url_name(self) -> str:
        return f"workflows_{self.of}_{self.name}"

    @property
    def function(self) -> PageView:
        found: PageView = import_string(self.view)
        return found

    def address(self, version_id: int) -> str:
        return reverse(f"admin:{self.url_name}", args=[version_id])


PAGES: list[Page] = [
    Page(name="graph", label=_("Graph"), action=VIEW, view="apps.workflows.picture.pages.graph"),
    Page(name="edit", label=_("Edit"), action=VIEW, view="apps.workflows.studio.editor.edit"),
    Page(name="check", label=_("Check"), action=VIEW, view="apps.workflows.check.pages.checked"),
    Page(name="simulate", label=_("Simulate"), action=VIEW, view="apps.workflows.simulate.pages.simulated"),
    Page(name="history", label=_("History"), action=VIEW, view="apps.workflows.picture.pages.history"),
    Page(name="publish", label=_("Publish"), action=VIEW, view="apps.workflows.life.pages.publish"),
]
RULE_PAGES: list[Page] = [
    Page(of="ruleversion", name=name, label=label, action=VIEW, view=view)
    for name, label, view in (
        ("compare", _("Compare"), "apps.workflows.picture.rule_pages.compared"),
        ("simulate", _("Simulate"), "apps.workflows.simulate.rules.pages.simulated"),
        ("history", _("History"), "apps.workflows.picture.rule_pages.history"),
        ("publish", _("Publish"), "apps.workflows.life.rule_pages.publish"),
    )
]
