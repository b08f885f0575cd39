"""People and their qualifications: no hash is ever shown, and what is typed goes through commands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from pydantic import SecretStr
from unfold.widgets import UnfoldAdminPasswordWidget

from apps.core.administration import HistoryAdmin
from apps.plant.actions import MANAGE_PEOPLE
from apps.plant.administration import CommandAdmin, PlacedAdmin, by
from apps.plant.commands import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    set_password,
    set_pin,
    set_qualification,
)
from apps.plant.models import Person, PersonSkill, Skill
from apps.plant.models.people import validate_pin


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    new_pin = forms.CharField(
        label=_("New PIN"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("For the floor: 6 digits or more. Empty: stays as it is."),
    )
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("For the desk. Empty: stays as it is."),
    )

    class Meta:
        model = Person
        fields = ["username", "name", "badge", "language", "site", "is_staff"]

    def clean_new_pin(self) -> str:
        pin: str = self.cleaned_data["new_pin"]
        if pin:
            validate_pin(pin)
        return pin

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(Person)
class PersonAdmin(CommandAdmin):
    view_action = MANAGE_PEOPLE
    change_action = MANAGE_PEOPLE
    form = PersonForm
    list_display = ["name", "username", "site", "language", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "username", "=badge"]
    list_select_related = ["site"]
    actions = ["deactivate", "reactivate"]

    def save_model(self, request: HttpRequest, obj: Person, form: PersonForm, change: bool) -> None:  # noqa: FBT001
        if change:
            change_person(
                *by(request),
                person_id=obj.pk,
                username=obj.username,
                name=obj.name,
                badge=obj.badge or "",
                language=obj.language,
                site_id=obj.site_id,
                is_staff=obj.is_staff,
            )
        else:
            obj.pk = create_person(
                *by(request),
                username=obj.username,
                name=obj.name,
                badge=obj.badge or "",
                language=obj.language,
                site_id=obj.site_id,
                is_staff=obj.is_staff,
            )
        if pin := form.cleaned_data["new_pin"]:
            set_pin(*by(request), person_id=obj.pk, pin=SecretStr(pin))
        if password := form.cleaned_data["new_password"]:
            set_password(*by(request), person_id=obj.pk, password=SecretStr(password))

    @admin.action(description=_("Deactivate: may not sign in any more"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        self.each(request, queryset, deactivate_person, "person_id")

    @admin.action(description=_("Reactivate"), permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        self.each(request, queryset, reactivate_person, "person_id")


@admin.register(Skill)
class SkillAdmin(PlacedAdmin):
    view_action = MANAGE_PEOPLE
    change_action = MANAGE_PEOPLE
    list_display = ["code", "name"]
    search_fields = ["code", "name"]


@admin.register(PersonSkill)
class PersonSkillAdmin(HistoryAdmin, CommandAdmin):
    view_action = MANAGE_PEOPLE
    change_action = MANAGE_PEOPLE
    list_display = ["person", "skill", "certificate", "valid_from", "valid_until"]
    list_filter = [("skill", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["person__name", "certificate"]
    list_select_related = ["person", "skill"]

    def save_model(self, request: HttpRequest, obj: PersonSkill, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.pk = set_qualification(
            *by(request),
            qualification_id=obj.pk,
            person_id=obj.person_id,
            skill_id=obj.skill_id,
            certificate=obj.certificate,
            valid_from=obj.valid_from,
            valid_until=obj.valid_until,
        )
