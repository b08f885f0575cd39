"""Escalation policies: a draft is a page with its steps; it is published by somebody else, from the list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from apps.andon.actions import CONFIGURE
from apps.andon.admin.drafts import DraftAdmin, DraftRowsMixin
from apps.andon.admin.preview import preview_context
from apps.andon.commands.policies import (
    draft_policy,
    publish_policy,
    return_policy,
    save_policy_draft,
    submit_policy,
)
from apps.andon.models import EscalationPolicy, PolicyStep, PolicyVersion
from apps.plant.administration import CommandAdmin, actor_of, by, run_for_each


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(CommandAdmin):
    view_action = change_action = CONFIGURE
    list_display = ["code", "name"]
    search_fields = ["code", "name"]
    actions = ["draft"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    @admin.action(description=_("Make a draft of the next version"), permissions=["change"])
    def draft(self, request: HttpRequest, rows: QuerySet[EscalationPolicy]) -> None:
        self.each(request, rows, draft_policy, "policy_id")


class StepInline(DraftRowsMixin, TabularInline):
    model = PolicyStep
    view_action = change_action = CONFIGURE
    fields = [
        *("position", "after_minutes", "target", "role", "person", "channel", "condition", "repeat_minutes"),
    ]


@admin.register(PolicyVersion)
class PolicyVersionAdmin(DraftAdmin):
    view_action = CONFIGURE
    list_display = ["policy", "number", "status", "response_minutes", "resolution_minutes", "counting", "published_at"]
    list_filter = ["status", "policy"]
    list_select_related = ["policy"]
    readonly_fields = ["policy", *DraftAdmin.life]
    inlines = [StepInline]
    submit_by, give_back_by = submit_policy, return_policy
    actions_detail = ["who_is_told"]

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Who is told when?"), url_path="who-is-told", permissions=["view"]
    )
    def who_is_told(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Writes nothing: of a draft as of what is published."""
        version = get_object_or_404(PolicyVersion.objects.select_related("policy"), pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Who is told when: %(version)s") % {"version": version},
            "opts": self.opts,
            **preview_context(version, request.GET, actor_of(request)),
        }
        return TemplateResponse(request, "andon/policy_preview.html", context)

    def save_draft(self, request: HttpRequest, form: ModelForm[Any], steps: list[dict[str, Any]]) -> None:
        figures = {name: getattr(form.instance, name) for name in PolicyVersion.says}
        based_on = form.cleaned_data["based_on"]
        save_policy_draft(*by(request), version_id=form.instance.pk, figures=figures, steps=steps, based_on=based_on)

    @admin.action(description=_("Publish, with the reason beside it"), permissions=["configure"])
    def publish(self, request: HttpRequest, rows: QuerySet[PolicyVersion]) -> None:
        run_for_each(request, rows, publish_policy, "version_id", note=request.POST.get("reason", ""))
