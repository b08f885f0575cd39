"""Where work is done: site, area, work center (line or cell), work unit (station or machine)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.actions import VIEW_PLANT

# Codes stand in addresses (/line/L3/), so they hold nothing that has to be escaped there.
CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
validate_code = RegexValidator(CODE, _("Letters, digits, dot, dash and underscore only."))


def code_is_plain(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(code__regex=CODE), name=name)


def validate_zone(name: str) -> None:
    """Raises ValidationError unless `name` is in the IANA time zone database of this machine."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(_now("%(name)s is no time zone; one is Europe/Berlin.") % {"name": name}) from error


def ids(places: Scope, kind: str) -> list[int]:
    """The ids of one kind in a set of places: ids({"site:1", "line:7"}, "line") == [7]."""
    return sorted(int(key) for name, _separator, key in (place.partition(":") for place in places) if name == kind)


def within(places: Scope, work_center: str = "work_center") -> Q:
    """A filter for rows that stand on a work center: those that lie in one of `places`.

    JobOrder.objects.filter(within(rights.places(actor, VIEW_ORDERS)))
    """
    if EVERYWHERE & places:
        return Q()
    return (
        Q(**{f"{work_center}__in": ids(places, "line")})
        | Q(**{f"{work_center}__area__in": ids(places, "area")})
        | Q(**{f"{work_center}__site__in": ids(places, "site")})
    )


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_PLANT) -> Self:
        """Sites where the actor holds `action`, be it for one line only."""
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        return self.filter(
            Q(pk__in=ids(places, "site"))
            | Q(pk__in=Area.objects.filter(pk__in=ids(places, "area")).values("site"))
            | Q(pk__in=WorkCenter.objects.filter(pk__in=ids(places, "line")).values("site"))
        )

    def held_by(self, actor: Actor, action: Action) -> Self:
        """Sites of which the actor holds `action` as a whole."""
        places = rights.places(actor, action)
        return self if EVERYWHERE & places else self.filter(pk__in=ids(places, "site"))


class Site(models.Model):
    code = models.CharField(_("code"), max_length=20, unique=True, validators=[validate_code])
    name = models.CharField(_("name"), max_length=120)
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_zone],
        help_text=_("IANA name: Europe/Berlin"),
    )
    erp_key = models.CharField(_("key in the ERP"), max_length=80, blank=True)

    objects = SiteQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["code"]
        constraints = [code_is_plain("site_code_plain")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def site_id(self) -> int:
        return self.pk

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def place(self) -> str:
        return f"site:{self.pk}"

    @property
    def scope(self) -> Scope:
        return EVERYWHERE | {self.place}


class AreaQuerySet(models.QuerySet["Area"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_PLANT) -> Self:
        """Areas where the actor holds `action`, be it for one line only."""
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        return self.filter(
            Q(site__in=ids(places, "site"))
            | Q(pk__in=ids(places, "area"))
            | Q(pk__in=WorkCenter.objects.filter(pk__in=ids(places, "line")).values("area"))
        )


class Area(models.Model):
    site = models.ForeignKey(Site, models.PROTECT, related_name="areas", verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=20, validators=[validate_code])
    name = models.CharField(_("name"), max_length=120)

    site_id: int
    objects = AreaQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ["site", "code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="area_code_once_per_site"),
            # Gives the lines below something to hold on to: their site must be their area's.
            models.UniqueConstraint(fields=["id", "site"], name="area_with_site"),
            code_is_plain("area_code_plain"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def place(self) -> str:
        return f"area:{self.pk}"

    @property
    def scope(self) -> Scope:
        return EVERYWHERE | {f"site:{self.site_id}", self.place}


class WorkCenterQuerySet(models.QuerySet["WorkCenter"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_PLANT) -> Self:
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        return self.filter(
            Q(site__in=ids(places, "site")) | Q(area__in=ids(places, "area")) | Q(pk__in=ids(places, "line"))
        )


class WorkCenter(models.Model):
    """A line or a cell: what job orders are dispatched to."""

    class Kind(models.TextChoices):
        LINE = "line", _("line")
        CELL = "cell", _("cell")

    area = models.ForeignKey(Area, models.PROTECT, related_name="work_centers", verbose_name=_("area"))
    # Follows the area (save, and a foreign key over both columns), so that codes are unique per site.
    site = models.ForeignKey(Site, models.PROTECT, related_name="work_centers", editable=False, verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=20, validators=[validate_code])
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices, default=Kind.LINE)
    erp_key = models.CharField(_("key in the ERP"), max_length=80, blank=True)
    counting_unit = models.ForeignKey(
        "plant.WorkUnit",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("counting station"),
        help_text=_("The station whose good count is the output of the line, as a rule the last one."),
    )
    calendar = models.ForeignKey(
        "plant.WorkCalendar",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="work_centers",
        verbose_name=_("calendar"),
        help_text=_("Empty: the calendar of the site."),
    )

    area_id: int
    site_id: int
    calendar_id: int | None
    counting_unit_id: int | None
    objects = WorkCenterQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("work center")
        verbose_name_plural = _("work centers")
        ordering = ["site", "code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="work_center_code_once_per_site"),
            models.UniqueConstraint(fields=["id", "site"], name="work_center_with_site"),
            models.UniqueConstraint(
                fields=["site", "erp_key"], condition=~Q(erp_key=""), name="work_center_erp_key_once_per_site"
            ),
            code_is_plain("work_center_code_plain"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.site_id = self.area.site_id
        super().save(*args, **kwargs)

    @property
    def place(self) -> str:
        return f"line:{self.pk}"

    @property
    def scope(self) -> Scope:
        return EVERYWHERE | {f"site:{self.site_id}", f"area:{self.area_id}", self.place}


class WorkUnitQuerySet(models.QuerySet["WorkUnit"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_PLANT) -> Self:
        return self.filter(within(rights.places(actor, action)))


class WorkUnit(models.Model):
    """A station or a machine of a work center."""

    work_center = models.ForeignKey(
        WorkCenter, models.PROTECT, related_name="work_units", verbose_name=_("work center")
    )
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", editable=False, verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=20, validators=[validate_code])
    name = models.CharField(_("name"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Order along the line."))
    erp_key = models.CharField(_("key in the ERP"), max_length=80, blank=True)

    work_center_id: int
    site_id: int
    objects = WorkUnitQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("work unit")
        verbose_name_plural = _("work units")
        ordering = ["work_center", "position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="work_unit_code_once_per_site"),
            models.UniqueConstraint(fields=["id", "site"], name="work_unit_with_site"),
            models.UniqueConstraint(fields=["id", "work_center"], name="work_unit_with_work_center"),
            models.UniqueConstraint(
                fields=["site", "erp_key"], condition=~Q(erp_key=""), name="work_unit_erp_key_once_per_site"
            ),
            code_is_plain("work_unit_code_plain"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.site_id = self.work_center.site_id
        super().save(*args, **kwargs)

    @property
    def place(self) -> str:
        """A right is held for a line, not for one of its stations."""
        return f"line:{self.work_center_id}"

    @property
    def scope(self) -> Scope:
        return self.work_center.scope


def anywhere_in(site: Site) -> Scope:
    """The site, what contains it and all that lies in it: who may act somewhere there. Two queries."""
    areas = Area.objects.filter(site=site).values_list("pk", flat=True)
    lines = WorkCenter.objects.filter(site=site).values_list("pk", flat=True)
    return site.scope | {f"area:{area}" for area in areas} | {f"line:{line}" for line in lines}


def common_scope(places: Iterable[Site | Area | WorkCenter | WorkUnit]) -> Scope:
    """The places that contain all of `places`: who may act for the whole of them."""
    scopes = [place.scope for place in places]
    return frozenset.intersection(*scopes) if scopes else EVERYWHERE
