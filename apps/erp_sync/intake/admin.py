"""Which ERP a site has and how far it is read; what could not be taken; and who its employees are here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.core.administration import ReadOnlyAdmin
from apps.erp_sync.actions import CONNECT, POST, VIEW_POSTINGS
from apps.erp_sync.commands import connect_erp, disconnect_erp, name_employee, set_policy
from apps.erp_sync.models import ErpEmployee, ErpLink, Reading, Silence, Unread
from apps.plant.administration import CommandAdmin, PlacedMixin, by

SETTINGS = ["system", "host", "port", "database", "user", "password_env", "policy"]


@admin.register(ErpLink)
class ErpLinkAdmin(CommandAdmin):
    """Made and ended here; of one in use only the policy changes."""

    view_action = VIEW_POSTINGS
    change_action = CONNECT
    list_display = ["site", "system", "host", "port", "database", "user", "active", "read"]
    list_select_related = ["site"]
    fields = ["site", *SETTINGS]
    actions = ["disconnect"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return ["site", *SETTINGS[:-1]] if obj else []

    def save_model(self, request: HttpRequest, obj: ErpLink, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        if change:
            set_policy(*by(request), link_id=obj.pk, policy=obj.policy)
            return
        given = {name: getattr(obj, name) for name in SETTINGS}
        obj.pk = connect_erp(*by(request), site_id=obj.site_id, **given)

    @admin.display(description=_("can't be read because"))
    def read(self, link: ErpLink) -> str:
        return Reading.objects.filter(link=link).exclude(problem="").values_list("problem", flat=True).first() or ""

    @admin.action(description=_("Disconnect: nothing more goes there"), permissions=["change"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[ErpLink]) -> None:
        self.each(request, queryset, disconnect_erp, "link_id")


@admin.register(ErpEmployee)
class ErpEmployeeAdmin(CommandAdmin):
    """The ERP says who there is, a clerk who that is here."""

    view_action = VIEW_POSTINGS
    change_action = POST
    list_display = ["name", "person", "active", "link"]
    list_filter = ["active", ("person", admin.EmptyFieldListFilter)]
    list_select_related = ["person", "link__site"]
    search_fields = ["name", "person__name"]
    fields = ["name", "person"]
    readonly_fields = ["name"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: ErpEmployee, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        name_employee(*by(request), employee_id=obj.pk, person_id=obj.person_id)


class LinkedAdmin(PlacedMixin, ReadOnlyAdmin):
    view_action = VIEW_POSTINGS
    change_action = None


@admin.register(Reading)
class ReadingAdmin(LinkedAdmin):
    list_display = ["kind", "link", "read_at", "changed_at", "problem"]
    list_select_related = ["link__site"]


@admin.register(Unread)
class UnreadAdmin(LinkedAdmin):
    list_display = ["kind", "erp_key", "field", "sentence", "since", "link"]
    list_filter = ["kind"]
    list_select_related = ["link__site"]


@admin.register(Silence)
class SilenceAdmin(LinkedAdmin):
    list_display = ["link", "since", "ended_at", "problem"]
    list_select_related = ["link__site"]
