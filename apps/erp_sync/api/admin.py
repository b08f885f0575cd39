"""Tokens are made and revoked here; what was refused is shown to a person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from pydantic import SecretStr

from apps.core.administration import ReadOnlyAdmin
from apps.erp_sync.api.actions import MANAGE_TOKENS
from apps.erp_sync.api.commands import create_token, revoke_token
from apps.erp_sync.api.scopes import SCOPES
from apps.erp_sync.api.secret_texts import new_secret
from apps.erp_sync.models import ApiToken, RefusedMessage
from apps.plant.administration import CommandAdmin, actor_of, by


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    scopes = forms.MultipleChoiceField(label=_("scopes"), choices=[(scope, scope) for scope in sorted(SCOPES)])

    class Meta:
        model = ApiToken
        fields = ["name", "site", "scopes", "expires_at"]


@admin.register(ApiToken)
class ApiTokenAdmin(CommandAdmin):
    view_action = MANAGE_TOKENS
    change_action = MANAGE_TOKENS
    form = TokenForm
    list_display = ["name", "prefix", "site", "expires_at", "last_used_at", "revoked_at"]
    search_fields = ["name", "prefix"]
    list_select_related = ["site"]
    actions = ["revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        shown = ["prefix", "created_at", "last_used_at", "revoked_at"]
        return ["name", "site", "scopes", "expires_at", *shown] if obj else []

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        if change:
            return
        obj.fresh_secret = new_secret()
        obj.pk = create_token(
            *by(request),
            name=obj.name,
            site_id=obj.site_id,
            scopes=list(obj.scopes),
            expires_at=obj.expires_at,
            secret=SecretStr(obj.fresh_secret),
        )

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        messages.warning(request, _now("Copy it now, it is not shown again: %(secret)s") % {"secret": obj.fresh_secret})
        return response

    @admin.action(description=_("Revoke: worth nothing from the next call on"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        self.each(request, queryset, revoke_token, "token_id")


@admin.register(RefusedMessage)
class RefusedMessageAdmin(ReadOnlyAdmin):
    view_action = MANAGE_TOKENS
    list_display = ["received_at", "token", "method", "path", "status"]
    list_filter = ["status"]
    list_select_related = ["token"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefusedMessage]:
        seen: QuerySet[RefusedMessage] = super().get_queryset(request).visible_to(actor_of(request))
        return seen
