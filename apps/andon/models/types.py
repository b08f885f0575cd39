"""What exceptions there are, who owns which, and what a site has settled."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.history import History
from apps.core.rights import EVERYWHERE, Scope
from apps.plant.texts import in_language, validate_texts


class Category(models.TextChoices):
    """Every kind of thing that needs a person; a type of exception belongs to one."""

    BLOCKED_JOB = "blocked_job", _("blocked operation")
    DOWNTIME = "downtime", _("stopped machine")
    SHORTAGE = "shortage", _("shortage")
    QUALITY_HOLD = "quality_hold", _("quality hold")
    LATE_APPROVAL = "late_approval", _("late approval")
    MISSING_SKILL = "missing_skill", _("missing skill")
    ERP_POSTING = "erp_posting", _("ERP posting failed")
    SYNC_CONFLICT = "sync_conflict", _("conflict with the ERP")
    RECONCILIATION = "reconciliation", _("reconciliation break")
    SAFETY = "safety", _("safety")
    HELP = "help", _("call for help")
    STORM = "storm", _("many at once")


class Severity(models.IntegerChoices):
    CRITICAL = 1, _("critical")
    HIGH = 2, _("high")
    NORMAL = 3, _("normal")
    LOW = 4, _("low")


class Impact(models.TextChoices):
    """On production: it stands; it is slower or at risk; it was planned so; none."""

    DOWN = "down", _("down")
    IMPACTING = "impacting", _("impacting")
    PLANNED = "planned", _("planned")
    NONE = "none", _("none")


class ExceptionType(models.Model):
    """
    resolution_codes  those that may end one of this type; none named: all of the purpose
    quiet_days        a problem closes when its cause stayed away for so long
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    names = models.JSONField(_("names"), default=dict, validators=[validate_texts], help_text=_("One per language."))
    category = models.CharField(_("category"), max_length=20, choices=Category.choices)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices, default=Severity.NORMAL)
    impact = models.CharField(_("impact"), max_length=10, choices=Impact.choices, default=Impact.IMPACTING)
    policy = models.ForeignKey(
        "andon.EscalationPolicy", models.PROTECT, related_name="types", verbose_name=_("escalation policy")
    )
    resolution_codes = models.ManyToManyField(
        "plant.ReasonCode",
        blank=True,
        related_name="+",
        verbose_name=_("resolutions"),
        limit_choices_to={"purpose": "resolution"},
    )
    gathers = models.BooleanField(
        _("many at once are one"), default=False, help_text=_("Power, network, ERP: one cause with many effects.")
    )
    quiet_days = models.PositiveSmallIntegerField(_("solved after so many quiet days"), default=14)

    policy_id: int
    history = History()

    class Meta:
        verbose_name = _("type of exception")
        verbose_name_plural = _("types of exceptions")
        ordering = ["severity", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(category__in=Category.values), name="exception_category_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="exception_severity_known"),
            models.CheckConstraint(condition=Q(impact__in=Impact.values), name="exception_impact_known"),
        ]

    def __str__(self) -> str:
        return self.label()

    def label(self, language: str | None = None) -> str:
        return in_language(self.names, language, self.code)

    @property
    def scope(self) -> Scope:
        return EVERYWHERE


class OwnerRule(models.Model):
    """Exceptions of this type, in this area, in this shift belong to whoever of the role is on duty.

    The most exact rule decides: by type before area before shift before site. Empty: any.
    """

    site = models.ForeignKey(
        "plant.Site", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site")
    )
    type = models.ForeignKey(
        ExceptionType, models.PROTECT, null=True, blank=True, related_name="owner_rules", verbose_name=_("type")
    )
    area = models.ForeignKey(
        "plant.Area", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("area")
    )
    shift_code = models.CharField(_("shift"), max_length=20, blank=True)
    role = models.ForeignKey("plant.Role", models.PROTECT, related_name="+", verbose_name=_("duty role"))

    site_id: int | None
    type_id: int | None
    area_id: int | None
    history = History()

    class Meta:
        verbose_name = _("owner rule")
        verbose_name_plural = _("owner rules")
        ordering = ["site", "type", "area", "shift_code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "type", "area", "shift_code"], nulls_distinct=False, name="one_owner_rule_per_case"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type or '*'} · {self.area or '*'} · {self.shift_code or '*'}: {self.role}"

    @property
    def scope(self) -> Scope:
        place = self.area or self.site
        return place.scope if place else EVERYWHERE


class SiteRules(models.Model):
    """What a site has settled for all of its exceptions.

    default_owner    owns what nobody on duty can own; not deactivated while named here
    pages_per_person at most so many in `page_minutes`, what comes beyond is listed
    problem_role     of what happens again and again; empty: the shipped one
    accept_minutes   within which an incoming person accepts what was handed over
    log_months       so long it is kept who was told of an exception, after that has closed
    storm_count      so many of a type in one area within `storm_seconds` have one cause
    """

    site = models.OneToOneField("plant.Site", models.PROTECT, related_name="andon_rules", verbose_name=_("site"))
    default_owner = models.ForeignKey(
        "plant.Person", models.PROTECT, related_name="+", verbose_name=_("owner when nobody is on duty")
    )
    supervisor_role = models.ForeignKey(
        "plant.Role", models.PROTECT, related_name="+", verbose_name=_("shift supervisor")
    )
    manager_role = models.ForeignKey(
        "plant.Role", models.PROTECT, related_name="+", verbose_name=_("plant duty manager")
    )
    problem_role = models.ForeignKey(
        "plant.Role", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner of problems")
    )
    pages_per_person = models.PositiveSmallIntegerField(_("pages per person"), default=6)
    page_minutes = models.PositiveSmallIntegerField(_("within minutes"), default=10)
    accept_minutes = models.PositiveSmallIntegerField(_("minutes to accept a handover"), default=15)
    storm_count = models.PositiveSmallIntegerField(_("a storm from so many"), default=5)
    storm_seconds = models.PositiveSmallIntegerField(_("within seconds"), default=60)
    log_months = models.PositiveSmallIntegerField(_("months to keep who was told"), default=24)

    site_id: int
    default_owner_id: int
    history = History()

    class Meta:
        verbose_name = _("site's rules for exceptions")
        verbose_name_plural = _("sites' rules for exceptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(pages_per_person__gte=1, page_minutes__gte=1, accept_minutes__gte=1, storm_count__gte=2),
                name="site_rules_positive",
            ),
            models.CheckConstraint(condition=Q(log_months__gte=1), name="log_kept_a_month_at_least"),
        ]

    def __str__(self) -> str:
        return str(self.site)

    def clean(self) -> None:
        if self.default_owner_id and not self.default_owner.is_active:
            raise ValidationError({"default_owner": _now("This person is deactivated. Name somebody who is there.")})

    @property
    def scope(self) -> Scope:
        return self.site.scope
