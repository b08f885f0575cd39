"""Terminals are enrolled on the device itself: the browser that sends this form becomes the terminal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from pydantic import SecretStr

from apps.plant.actions import ENROL_TERMINAL
from apps.plant.administration import CommandAdmin, by
from apps.plant.commands import enrol_terminal, revoke_terminal
from apps.plant.models import Terminal
from apps.plant.models.terminals import new_secret
from apps.plant.sessions import remember_terminal


class EnrolForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A code that exists is no mistake: its device was replaced."""

    class Meta:
        model = Terminal
        fields = ["code", "site", "work_center", "work_unit", "kind", "auto_lock_seconds"]

    def clean(self) -> dict[str, Any]:
        site, code = self.cleaned_data.get("site"), self.cleaned_data.get("code")
        former = Terminal.objects.filter(site=site, code=code).first()
        if self.instance.pk is None and former is not None:
            self.instance = former
        return super().clean() or self.cleaned_data


@admin.register(Terminal)
class TerminalAdmin(CommandAdmin):
    change_action = ENROL_TERMINAL
    form = EnrolForm
    list_display = ["code", "kind", "site", "work_center", "work_unit", "enrolled_at", "revoked_at"]
    list_filter = ["kind", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["code"]
    list_select_related = ["site", "work_center", "work_unit"]
    actions = ["revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return [*EnrolForm.Meta.fields, "enrolled_at", "revoked_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: Terminal, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        if change:
            return
        obj.fresh_secret = new_secret()
        obj.pk = enrol_terminal(
            *by(request),
            code=obj.code,
            site_id=obj.site_id,
            kind=obj.kind,
            work_center_id=obj.work_center_id,
            work_unit_id=obj.work_unit_id,
            auto_lock_seconds=obj.auto_lock_seconds,
            secret=SecretStr(obj.fresh_secret),
        )

    def response_add(self, request: HttpRequest, obj: Terminal, post_url_continue: str | None = None) -> HttpResponse:
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        remember_terminal(response, terminal_id=obj.pk, secret=obj.fresh_secret)
        messages.success(request, _now("This browser is terminal %(code)s from now on.") % {"code": obj.code})
        return response

    @admin.action(description=_("Revoke: the device is out at once"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Terminal]) -> None:
        self.each(request, queryset, revoke_terminal, "terminal_id")
