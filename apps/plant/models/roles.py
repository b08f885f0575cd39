"""Which acts a role holds, and who holds the role where."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.prepared import Given
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter, ids, within
from apps.plant.texts import in_language, validate_texts


class Role(models.Model):
    code = models.CharField(_("code"), max_length=40, unique=True, validators=[RegexValidator(r"^[a-z][a-z0-9_]*$")])
    names = models.JSONField(_("names"), default=dict, validators=[validate_texts], help_text=_("One per language."))
    description = models.TextField(_("description"), blank=True)

    history = History()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.label()

    def label(self, language: str | None = None) -> str:
        return in_language(self.names, language, self.code)

    @property
    def scope(self) -> Scope:
        return EVERYWHERE


class RoleAction(models.Model):
    """One cell of the matrix; `code` is that of a declared action (apps.core.rights.ACTIONS)."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="actions", verbose_name=_("role"))
    code = models.CharField(_("action"), max_length=80)

    role_id: int
    history = History()

    class Meta:
        verbose_name = _("action of a role")
        verbose_name_plural = _("actions of roles")
        ordering = ["role", "code"]
        constraints = [models.UniqueConstraint(fields=["role", "code"], name="role_action_once")]

    def __str__(self) -> str:
        return f"{self.role_id} {self.code}"


class SeededRoleAction(models.Model):
    """What the seed once gave to a role: it is never given again, so that what a plant took away stays away."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="+")
    code = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "code"], name="seeded_role_action_once")]

    def __str__(self) -> str:
        return self.code


def place_of(everywhere: bool, site_id: int | None, area_id: int | None, work_center_id: int | None) -> str:  # noqa: FBT001 - a row's columns
    """As it stands in a scope: "everywhere", "site:1", "area:2" or "line:7"."""
    if everywhere:
        return "everywhere"
    if site_id:
        return f"site:{site_id}"
    return f"area:{area_id}" if area_id else f"line:{work_center_id}"


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def valid_at(self, at: datetime | Given) -> Self:
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=at), valid_from__lte=at)

    def visible_to(self, actor: Actor, action: Action) -> Self:
        """Assignments at places where the actor holds `action`."""
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        sites, areas = ids(places, "site"), ids(places, "area")
        return self.filter(
            within(places) | Q(site__in=sites) | Q(area__in=areas) | Q(area__site__in=sites), everywhere=False
        )


class RoleAssignment(models.Model):
    """A person holds a role at exactly one place; `valid_until` is the first instant at which it no longer counts."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="role_assignments", verbose_name=_("person"))
    role = models.ForeignKey(Role, models.PROTECT, related_name="assignments", verbose_name=_("role"))
    everywhere = models.BooleanField(_("everywhere"), default=False)
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site"))
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("area"))
    work_center = models.ForeignKey(
        WorkCenter, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("work center")
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)

    person_id: int
    role_id: int
    site_id: int | None
    area_id: int | None
    work_center_id: int | None
    objects = RoleAssignmentQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")
        ordering = ["person", "role", "id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(everywhere=True, site=None, area=None, work_center=None)
                    | Q(everywhere=False, site__isnull=False, area=None, work_center=None)
                    | Q(everywhere=False, site=None, area__isnull=False, work_center=None)
                    | Q(everywhere=False, site=None, area=None, work_center__isnull=False)
                ),
                name="role_assignment_has_one_place",
                violation_error_message=_("Choose exactly one place: everywhere, a site, an area or a work center."),
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="role_assignment_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["person", "role", "everywhere", "site", "area", "work_center"],
                condition=Q(valid_until__isnull=True),
                nulls_distinct=False,
                name="role_assignment_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role_id} {self.place}"

    @property
    def place(self) -> str:
        return place_of(self.everywhere, self.site_id, self.area_id, self.work_center_id)

    @property
    def scope(self) -> Scope:
        located = self.site or self.area or self.work_center
        return located.scope if located else EVERYWHERE
