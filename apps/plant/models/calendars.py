"""When people work: shifts of a week with their breaks, in the site's local time, and days off."""

from __future__ import annotations

from datetime import time
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.plant.calendar_times import Pattern, collisions
from apps.plant.models.places import Site


class WorkCalendarQuerySet(models.QuerySet["WorkCalendar"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class WorkCalendar(models.Model):
    site = models.ForeignKey(Site, models.PROTECT, related_name="calendars", verbose_name=_("site"))
    name = models.CharField(_("name"), max_length=120)
    is_default = models.BooleanField(
        _("the site's own"), default=False, help_text=_("Holds for every work center that names no other calendar.")
    )

    site_id: int
    objects = WorkCalendarQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("work calendar")
        verbose_name_plural = _("work calendars")
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="calendar_name_once_per_site"),
            models.UniqueConstraint(fields=["site"], condition=Q(is_default=True), name="one_own_calendar_per_site"),
            models.UniqueConstraint(fields=["id", "site"], name="calendar_with_site"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        return self.site.scope


def validate_breaks(value: Any) -> None:
    """Raises ValidationError for anything but [["09:00", "09:15"], ...]."""
    try:
        parsed = [(time.fromisoformat(start), time.fromisoformat(end)) for start, end in value]
    except (TypeError, ValueError) as error:
        raise ValidationError(_now('Write breaks as [["09:00", "09:15"], ["12:00", "12:30"]].')) from error
    if any(start.tzinfo or end.tzinfo or start == end for start, end in parsed):
        raise ValidationError(_now("A break has a start and another end, in local time."))


class ShiftPattern(models.Model):
    """One shift of the week: on these weekdays, from and to in local time; an end not after the start is next day's."""

    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, related_name="patterns", verbose_name=_("calendar"))
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        help_text=_("The days on which it starts: 1 Monday to 7 Sunday, separated by commas."),
    )
    starts_at = models.TimeField(_("starts"))
    ends_at = models.TimeField(_("ends"))
    breaks = models.JSONField(
        _("breaks"), default=list, blank=True, validators=[validate_breaks], help_text='[["09:00", "09:15"]]'
    )
    # A new pattern beside the old one keeps the shifts of the past as they were.
    valid_from = models.DateField(_("first day"), null=True, blank=True)
    valid_until = models.DateField(_("last day"), null=True, blank=True)

    calendar_id: int
    history = History()

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["calendar", "starts_at", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "code", "valid_from"], nulls_distinct=False, name="shift_code_once_per_calendar"
            ),
            models.CheckConstraint(
                condition=Q(weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]) & Q(weekdays__len__gte=1),
                name="shift_weekdays_exist",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="shift_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def clean(self) -> None:
        """Refuses breaks outside the shift, and a shift that runs into another one of its calendar.

        Each error names a field: the page of a calendar shows no others.
        """
        if self.starts_at is None or self.ends_at is None or not self.weekdays:
            return
        try:
            pattern = self.as_pattern()
        except (TypeError, ValueError):
            return  # the field has said so
        if not pattern.holds_breaks():
            raise ValidationError({"breaks": _now("A break lies outside the shift, or two of them overlap.")})
        others = ShiftPattern.objects.filter(calendar=self.calendar_id).exclude(pk=self.pk)
        hit = collisions(pattern, [row.as_pattern() for row in others])
        if hit:
            raise ValidationError({"starts_at": _now("It overlaps with shift %(codes)s.") % {"codes": ", ".join(hit)}})
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _now("The last day lies before the first.")})
        if others.filter(code=self.code, valid_from=self.valid_from).exists():
            raise ValidationError({"code": _now("There is such a shift already from that day on.")})

    def as_pattern(self) -> Pattern:
        return Pattern(
            code=self.code,
            name=self.name,
            weekdays=frozenset(self.weekdays),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            breaks=tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in self.breaks),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class Holiday(models.Model):
    """No shift of the calendar starts on this day."""

    calendar = models.ForeignKey(WorkCalendar, models.CASCADE, related_name="holidays", verbose_name=_("calendar"))
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=80, blank=True)

    history = History()

    class Meta:
        verbose_name = _("day off")
        verbose_name_plural = _("days off")
        ordering = ["calendar", "date"]
        constraints = [models.UniqueConstraint(fields=["calendar", "date"], name="day_off_once")]

    def __str__(self) -> str:
        return f"{self.date} {self.name}".strip()
