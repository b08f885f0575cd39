"""The duty roster, who is away, and who is at work. Times are typed and shown as on the clock of the site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from apps.core import clock
from apps.core.administration import HistoryAdmin, ReadOnlyAdmin
from apps.core.errors import CommandRefused
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.administration import CommandAdmin, PlacedMixin, actor_of, by
from apps.plant.calendar_times import instant_of
from apps.plant.commands import (
    end_absence,
    end_duty_entry,
    import_roster,
    report_absent,
    roster_duty,
    swap_duty,
)
from apps.plant.duty import colleagues_for
from apps.plant.models import Absence, DutyRosterEntry, Person, Presence, Site
from apps.plant.models.duty import answered_for


class WallTime(forms.SplitDateTimeField):
    """Date and time as on the site's wall: naive, until the form knows the site."""

    widget = UnfoldAdminSplitDateTimeWidget

    def compress(self, data_list: Any) -> datetime | None:
        with timezone.override(UTC):
            typed = super().compress(data_list)
        return typed.replace(tzinfo=None) if typed else None


def wall_time(at: datetime | None, zone: ZoneInfo | None) -> str:
    return date_format(at.astimezone(zone or UTC), "SHORT_DATETIME_FORMAT") if at else ""


class DutyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    starts = WallTime(label=_("Starts"), help_text=_("By the clock of the site."))
    ends = WallTime(label=_("Ends"), help_text=_("Over midnight: on the next day."))

    class Meta:
        model = DutyRosterEntry
        fields = ["role", "site", "area", "work_center", "person", "phone"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        located = cleaned.get("work_center") or cleaned.get("area") or cleaned.get("site")
        if located and cleaned.get("starts") and cleaned.get("ends"):
            zone = Site.objects.get(pk=located.site_id).zone
            cleaned["starts_at"], cleaned["ends_at"] = (
                instant_of(cleaned["starts"], zone),
                instant_of(cleaned["ends"], zone),
            )
        return cleaned


class SwapForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Offers who could have the duty; `seen` is who had it when the page was opened."""

    seen = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = DutyRosterEntry
        fields = ["person"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.person_id
        if "person" in self.fields:
            could = [self.instance.person_id, *colleagues_for(self.instance, clock.now())]
            choice: Any = self.fields["person"]
            choice.queryset = Person.objects.get_queryset().filter(pk__in=could)


@admin.register(DutyRosterEntry)
class DutyRosterEntryAdmin(HistoryAdmin, CommandAdmin):
    """Added, handed on by choosing another person, or ended; what was on the roster stays to be read."""

    view_action = OWN_DUTY
    change_action = MANAGE_ROSTER
    list_display = ["starts", "ends", "role", "where", "person", "phone"]
    list_filter = [
        ("role", admin.RelatedOnlyFieldListFilter),
        ("site", admin.RelatedOnlyFieldListFilter),
    ]
    search_fields = ["person__name", "person__username"]
    list_select_related = ["role", "site", "area", "work_center", "person"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at"]
    actions = ["end_now"]
    actions_list = ["import_csv"]

    @admin.display(description=_("starts"), ordering="starts_at")
    def starts(self, row: DutyRosterEntry) -> str:
        return wall_time(row.starts_at, row.site.zone)

    @admin.display(description=_("ends"), ordering="ends_at")
    def ends(self, row: DutyRosterEntry) -> str:
        return wall_time(row.ends_at, row.site.zone)

    @admin.display(description=_("where"))
    def where(self, row: DutyRosterEntry) -> str:
        return str(row.located)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        kwargs["form"] = SwapForm if obj else DutyForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ARG002
        if obj:
            return ["person", "role", "where", "starts", "ends", "phone", "seen"]
        return ["role", "site", "area", "work_center", "person", "starts", "ends", "phone"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return ["role", "where", "starts", "ends", "phone"] if obj else []

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **_only_ours(db_field, request, kwargs))

    def save_model(self, request: HttpRequest, obj: DutyRosterEntry, form: Any, change: bool) -> None:  # noqa: FBT001
        cleaned = form.cleaned_data
        if change:
            if obj.person_id != cleaned["seen"]:
                swap_duty(*by(request), entry_id=obj.pk, from_person_id=cleaned["seen"], to_person_id=obj.person_id)
            return
        obj.pk = roster_duty(
            *by(request),
            role=obj.role.code,
            person_id=obj.person_id,
            place=obj.place,
            starts_at=cleaned["starts_at"],
            ends_at=cleaned["ends_at"],
            phone=obj.phone,
        )
        obj.starts_at, obj.ends_at = cleaned["starts_at"], cleaned["ends_at"]

    @admin.action(description=_("End now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[DutyRosterEntry]) -> None:
        self.each(request, queryset, end_duty_entry, "entry_id")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Import"), url_path="import", permissions=["change"]
    )
    def import_csv(self, request: HttpRequest) -> HttpResponse:
        sites = Site.objects.visible_to(actor_of(request), MANAGE_ROSTER)
        typed = request.POST.get("csv", "")
        if request.method == "POST":
            file = request.FILES.get("file")
            content = file.read().decode("utf-8-sig", errors="replace") if file else typed
            try:
                done = import_roster(*by(request), site_id=int(request.POST.get("site") or 0), csv=content)
            except CommandRefused as refusal:
                for sentence in str(refusal).splitlines():
                    messages.error(request, sentence)
            else:
                said = _now("Added: %(added)s, changed: %(changed)s, as it was: %(unchanged)s.")
                messages.success(request, said % vars(done))
                return HttpResponseRedirect("../")
        shown = {"title": _now("Import the duty roster"), "sites": sites, "csv": typed, "opts": self.opts}
        return TemplateResponse(request, "plant/roster_import.html", {**self.admin_site.each_context(request), **shown})


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    starts = WallTime(label=_("Away from"), required=False, help_text=_("Empty: now."))
    ends = WallTime(label=_("Back"), required=False, help_text=_("Empty: until further notice."))

    class Meta:
        model = Absence
        fields = ["person", "deputy"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if person := cleaned.get("person"):
            zone = person.site.zone if person.site else ZoneInfo("UTC")
            for name in ("starts", "ends"):
                cleaned[f"{name}_at"] = instant_of(cleaned[name], zone) if cleaned.get(name) else None
        return cleaned


@admin.register(Absence)
class AbsenceAdmin(HistoryAdmin, CommandAdmin):
    view_action = MANAGE_ROSTER
    change_action = MANAGE_ROSTER
    form = AbsenceForm
    list_display = ["person", "starts", "ends", "deputy"]
    search_fields = ["person__name", "person__username"]
    list_select_related = ["person__site", "deputy"]
    date_hierarchy = "starts_at"
    fields = ["person", "starts", "ends", "deputy"]
    actions = ["end_now"]

    @admin.display(description=_("away from"), ordering="starts_at")
    def starts(self, row: Absence) -> str:
        return wall_time(row.starts_at, row.person.site.zone if row.person.site else None)

    @admin.display(description=_("back"), ordering="ends_at")
    def ends(self, row: Absence) -> str:
        return wall_time(row.ends_at, row.person.site.zone if row.person.site else None)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        return ["person", "starts", "ends", "deputy"] if obj else []

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **_only_ours(db_field, request, kwargs))

    def save_model(self, request: HttpRequest, obj: Absence, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            return
        cleaned = form.cleaned_data
        obj.pk = report_absent(
            *by(request),
            person_id=obj.person_id,
            starts_at=cleaned["starts_at"],
            ends_at=cleaned["ends_at"],
            deputy_id=obj.deputy_id,
        )
        obj.starts_at = cleaned["starts_at"] or clock.now()

    @admin.action(description=_("Back now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Absence]) -> None:
        self.each(request, queryset, end_absence, "absence_id")


@admin.register(Presence)
class PresenceAdmin(PlacedMixin, ReadOnlyAdmin):
    view_action = MANAGE_ROSTER
    change_action = None
    list_display = [
        "started_at",
        "ended_at",
        "person",
        "site",
        "work_center",
        "by_hand",
        "last_evidence_at",
        "ended_by",
    ]
    list_filter = ["ended_by", "by_hand", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["person", "site", "work_center"]
    date_hierarchy = "started_at"
    show_full_result_count = False


def _only_ours(db_field: ForeignKey[Any], request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """People to choose from: active ones, of where the roster is the right of the one who looks."""
    if db_field.related_model is Person:
        kwargs["queryset"] = answered_for(actor_of(request), MANAGE_ROSTER).filter(is_active=True)
    return kwargs
