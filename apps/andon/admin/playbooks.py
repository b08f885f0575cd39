"""Playbooks on the engineers' pages: where each counts, its drafts, and what is in force."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminSelectWidget

from apps.andon.actions import CONFIGURE, VIEW_EXCEPTIONS
from apps.andon.admin.drafts import DraftAdmin, DraftRowsMixin
from apps.andon.commands import (
    draft_playbook,
    publish_playbook,
    return_playbook,
    save_playbook_draft,
    submit_playbook,
)
from apps.andon.cures import CURES
from apps.andon.models import Playbook, PlaybookStep, PlaybookVersion
from apps.core import rights
from apps.core.errors import CommandRefused
from apps.plant.administration import CommandAdmin, actor_of, by, run_for_each


@admin.register(Playbook)
class PlaybookAdmin(CommandAdmin):
    """Says where it counts; what it says to do is in its versions."""

    view_action = VIEW_EXCEPTIONS
    change_action = CONFIGURE
    list_display = ["code", "name", "type", "site", "area", "work_center", "item"]
    list_filter = ["type", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["type", "site", "area", "work_center"]
    actions = ["draft"]

    def save_model(self, request: HttpRequest, obj: Playbook, form: ModelForm[Any], change: bool) -> None:  # noqa: ARG002, FBT001
        if not rights.may(actor_of(request), CONFIGURE, obj.scope):
            raise CommandRefused("not_allowed", str(_("You may not set up playbooks for this place.")))
        obj.save()

    @admin.action(description=_("Begin a draft"), permissions=["change"])
    def draft(self, request: HttpRequest, queryset: QuerySet[Playbook]) -> None:
        self.each(request, queryset, draft_playbook, "playbook_id")


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    cure = forms.ChoiceField(label=_("cure"), required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(cure.code, str(cure.label)) for cure in CURES.values()]
        self.fields["cure"].choices = [("", _("instruction for a person")), *sorted(known, key=lambda each: each[1])]  # type: ignore[attr-defined]

    class Meta:
        model = PlaybookStep
        fields = ["position", "code", "labels", "cure", "inputs", "acts_alone"]


class StepInline(DraftRowsMixin, StackedInline):
    model = PlaybookStep
    form = StepForm
    view_action = VIEW_EXCEPTIONS
    change_action = CONFIGURE
    ordering = ["position"]


@admin.register(PlaybookVersion)
class PlaybookVersionAdmin(DraftAdmin):
    view_action = VIEW_EXCEPTIONS
    list_display = ["playbook", "number", "status", "published_at", "note"]
    list_filter = ["status", "playbook__type"]
    list_select_related = ["playbook"]
    readonly_fields = ["playbook", *DraftAdmin.life]
    inlines = [StepInline]
    submit_by, give_back_by = submit_playbook, return_playbook

    def save_draft(self, request: HttpRequest, form: ModelForm[Any], steps: list[dict[str, Any]]) -> None:
        based_on = form.cleaned_data["based_on"]
        save_playbook_draft(*by(request), version_id=form.instance.pk, steps=steps, based_on=based_on)

    @admin.action(
        description=_("Publish, for the reason given: exceptions show it from now on"), permissions=["configure"]
    )
    def publish(self, request: HttpRequest, rows: QuerySet[PlaybookVersion]) -> None:
        run_for_each(request, rows, publish_playbook, "version_id", note=request.POST.get("reason", ""))
