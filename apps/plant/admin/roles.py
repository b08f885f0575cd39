"""Roles, who holds them where, and the matrix of what they may do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.core import clock, rights
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.plant.actions import MANAGE_ROLES
from apps.plant.administration import CommandAdmin, PlacedAdmin, actor_of, by
from apps.plant.commands import assign_role, end_role_assignment, set_role_actions
from apps.plant.models import Role, RoleAssignment
from apps.plant.queries import matrix

# Rights come from roles; Django's own groups would only mislead.
admin.site.unregister(Group)


@admin.register(Role)
class RoleAdmin(PlacedAdmin):
    change_action = MANAGE_ROLES
    list_display = ["__str__", "code", "description"]
    search_fields = ["code", "names"]
    actions_list = ["matrix"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return ["code"] if obj else []

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("What they may do"), url_path="matrix", permissions=["view"]
    )
    def matrix(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return self._toggle(request)
        return TemplateResponse(
            request,
            "plant/matrix.html",
            {
                **self.admin_site.each_context(request),
                "title": _now("Roles and what they may do"),
                "matrix": matrix(),
                "may_toggle": rights.may(actor_of(request), MANAGE_ROLES, EVERYWHERE),
                "opts": self.opts,
            },
        )

    def _toggle(self, request: HttpRequest) -> HttpResponse:
        try:
            change, role, code = request.POST.get("cell", "").split(" ")
        except ValueError as error:
            raise BadRequest from error
        add, remove = ((code,), ()) if change == "add" else ((), (code,))
        try:
            set_role_actions(*by(request), role=role, add=add, remove=remove)
        except CommandRefused as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(request.path)


_FIELDS = ["person", "role", "everywhere", "site", "area", "work_center", "valid_from", "valid_until"]


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(CommandAdmin):
    """Given or ended, never changed: what held yesterday stays to be read."""

    view_action = MANAGE_ROLES
    change_action = MANAGE_ROLES
    fields = (*_FIELDS,)
    list_display = ["person", "role", "where", "valid_from", "valid_until"]
    list_filter = [("role", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["person__name", "person__username"]
    list_select_related = ["person", "role", "site", "area", "work_center"]
    actions = ["end_now"]

    @admin.display(description=_("where"))
    def where(self, row: RoleAssignment) -> str:
        return str(row.site or row.area or row.work_center or _("everywhere"))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return _FIELDS if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"valid_from": clock.now(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: RoleAssignment, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        if not change:
            obj.pk = assign_role(
                *by(request),
                person_id=obj.person_id,
                role=obj.role.code,
                place=obj.place,
                valid_from=obj.valid_from,
                valid_until=obj.valid_until,
            )

    @admin.action(description=_("End now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[RoleAssignment]) -> None:
        self.each(request, queryset, end_role_assignment, "assignment_id")
