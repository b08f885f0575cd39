"""Who is at work, who has which duty when, and who is away.

Telephone numbers have no history: they must stay erasable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.fields import TsTzRange
from apps.core.history import History
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter, ids, within
from apps.plant.models.roles import Role, RoleAssignment, place_of


class EndedBy(models.TextChoices):
    """The person, or somebody for that person; or the end rule, which guesses."""

    PERSON = "person", _("person")
    RULE = "rule", _("rule")


class PresenceQuerySet(models.QuerySet["Presence"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        """Those of sites where the actor holds the action, and of the lines if it is held for these only."""
        places = rights.places(actor, action)
        return self if EVERYWHERE & places else self.filter(within(places) | Q(site__in=ids(places, "site")))

    def open(self) -> Self:
        return self.filter(ended_at=None)


class Presence(models.Model):
    """A person is at work at a site, [started_at, ended_at); open while it goes on, one at a time.

    work_center       where it began, if at a line: its calendar says when the shift is over
    by_hand           the person said so, and stays until the person says so; else it follows the working times
    last_evidence_at  when the person last did something
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    work_center = models.ForeignKey(
        WorkCenter, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("work center")
    )
    person = models.ForeignKey(Person, models.PROTECT, related_name="presences", verbose_name=_("person"))
    by_hand = models.BooleanField(_("begun by hand"), default=False)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    last_evidence_at = models.DateTimeField(_("last seen"))
    ended_by = models.CharField(_("ended by"), max_length=6, choices=EndedBy.choices, blank=True)

    site_id: int
    work_center_id: int | None
    person_id: int
    objects = PresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="presence_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | Q(ended_at__isnull=False, ended_by__in=EndedBy.values),
                name="presence_end_has_cause",
            ),
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="presence_open_once"),
            ExclusionConstraint(
                name="presence_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [models.Index(fields=["last_evidence_at"], name="presence_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.person_id} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def scope(self) -> Scope:
        return (self.work_center or self.site).scope


class DutyRosterEntryQuerySet(models.QuerySet["DutyRosterEntry"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        areas = ids(places, "area")
        return self.filter(within(places) | Q(area__in=areas) | Q(site__in=ids(places, "site")))


class DutyRosterEntry(models.Model):
    """Somebody has the duty of a role at a site, an area or a line, [starts_at, ends_at).

    One that was ended before it began has no time at all. `phone` is where whoever has this duty is reached: it goes
    with the duty.
    """

    role = models.ForeignKey(Role, models.PROTECT, related_name="duties", verbose_name=_("role"))
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("area"),
        help_text=_("Empty: the whole site, or the work center."),
    )  # fmt: skip
    work_center = models.ForeignKey(
        WorkCenter, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("work center"),
        help_text=_("Empty: the whole site or area."),
    )  # fmt: skip
    person = models.ForeignKey(Person, models.PROTECT, related_name="duties", verbose_name=_("person"))
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    phone = models.CharField(_("telephone"), max_length=40, blank=True)

    role_id: int
    site_id: int
    area_id: int | None
    work_center_id: int | None
    person_id: int
    objects = DutyRosterEntryQuerySet.as_manager()
    history = History(excluded_fields=["phone"])

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duty roster")
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(area=None) | Q(work_center=None),
                name="duty_has_one_place",
                violation_error_message=_("Choose an area or a work center, not both."),
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")),
                name="duty_ends_after_start",
                violation_error_message=_("The end has to be after the start."),
            ),
            ExclusionConstraint(
                name="duty_no_overlap",
                expressions=[
                    (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("site", RangeOperators.EQUAL),
                    (Coalesce("area", 0, output_field=models.BigIntegerField()), RangeOperators.EQUAL),
                    (Coalesce("work_center", 0, output_field=models.BigIntegerField()), RangeOperators.EQUAL),
                ],
                violation_error_message=_("The person has this duty already in that time. Choose other times."),
            ),
        ]
        indexes = [models.Index(fields=["role", "ends_at"], name="duty_of_role")]

    def __str__(self) -> str:
        return f"{self.role_id} {self.person_id} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def place(self) -> str:
        """As it stands in a scope."""
        whole_site = self.area_id is None and self.work_center_id is None
        return place_of(False, self.site_id if whole_site else None, self.area_id, self.work_center_id)  # noqa: FBT003

    @property
    def located(self) -> Site | Area | WorkCenter:
        return self.work_center or self.area or self.site

    @property
    def scope(self) -> Scope:
        return self.located.scope


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        """Of people whose home is a site where the actor holds the action, or who hold a role at such a place."""
        return self.filter(person__in=answered_for(actor, action))

    def running(self, at: datetime) -> Self:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__lte=at)


class Absence(models.Model):
    """Somebody is away, [starts_at, ends_at); without an end until further notice. The deputy stands in on the roster.

    One that was ended before it began has no time at all.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="absences", verbose_name=_("person"))
    starts_at = models.DateTimeField(_("away from"))
    ends_at = models.DateTimeField(_("back"), null=True, blank=True, help_text=_("Empty: until further notice."))
    deputy = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("deputy")
    )

    person_id: int
    deputy_id: int | None
    objects = AbsenceQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")),
                name="absence_ends_after_start",
                violation_error_message=_("The end has to be after the start."),
            ),
            models.CheckConstraint(
                condition=Q(deputy=None) | ~Q(deputy=F("person")),
                name="absence_deputy_is_another",
                violation_error_message=_("Nobody is their own deputy. Choose somebody else."),
            ),
            ExclusionConstraint(
                name="absence_no_overlap",
                expressions=[
                    (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                ],
                violation_error_message=_("The person is away in that time already. End that absence first."),
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="absence_by_end")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def scope(self) -> Scope:
        return scope_of(self.person)


def answered_for(actor: Actor, action: Action) -> models.QuerySet[Person]:
    """People whose home is a site where the actor holds the action, or who hold a role at such a place now."""
    people, places = Person.objects.get_queryset(), rights.places(actor, action)
    if EVERYWHERE & places:
        return people
    working = RoleAssignment.objects.valid_at(clock.now()).visible_to(actor, action)
    return people.filter(Q(site__in=ids(places, "site")) | Q(pk__in=working.values("person")))


def scope_of(person: Person) -> Scope:
    """Where somebody may answer for the person: the home site, and where the person holds a role now."""
    held = RoleAssignment.objects.valid_at(clock.now()).filter(person=person)
    places = (assignment.scope for assignment in held.select_related("site", "area", "work_center"))
    return person.scope.union(*places)
