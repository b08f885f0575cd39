"""Who is told of an open exception, when and how: versioned, fixed once published."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.channels.interface import ChannelKind
from apps.andon.sla import Counting
from apps.core.rights import EVERYWHERE, Scope
from apps.core.triggers import guarded
from apps.workflows.models.life import GUARD_VERSION, OPEN, VersionLife, VersionStatus

GUARD_POLICY_PART = "andon_guard_policy_part"


class EscalationPolicy(models.Model):
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("escalation policy")
        verbose_name_plural = _("escalation policies")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        return EVERYWHERE


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def in_force(self) -> Self:
        return self.filter(status=VersionStatus.PUBLISHED)


class PolicyVersion(VersionLife):
    """All that an exception goes by from the moment it is raised; the exception points here, and this never changes.

    Minutes; an empty figure switches that part off.
    remind_minutes   an acknowledged exception without progress is asked about again; `unack_minutes` later without an
                     answer it is open again
    informs          codes of roles that are told at once, besides the owner
    says             the fields that are its content, besides its steps
    """

    policy = models.ForeignKey(EscalationPolicy, models.PROTECT, related_name="versions", verbose_name=_("policy"))
    counting = models.CharField(
        _("time counts"),
        max_length=8,
        choices=Counting.choices,
        default=Counting.WALL,
        help_text=_("For all minutes below."),
    )
    response_minutes = models.PositiveIntegerField(_("answer within"), default=15, validators=[MinValueValidator(1)])
    resolution_minutes = models.PositiveIntegerField(_("resolve within"), null=True, blank=True)
    remind_minutes = models.PositiveIntegerField(_("ask again after"), default=60, validators=[MinValueValidator(1)])
    unack_minutes = models.PositiveIntegerField(_("open again after"), default=10, validators=[MinValueValidator(1)])
    recheck_minutes = models.PositiveIntegerField(
        _("look again after"),
        default=10,
        validators=[MinValueValidator(1)],
        help_text=_("Once resolved: open again if the cause is still there, else closed."),
    )
    snooze_minutes = models.PositiveIntegerField(_("snooze at most"), default=240)
    pause_minutes = models.PositiveIntegerField(_("pause the clock at most"), default=1440)
    informs = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("must know"))

    policy_id: int
    says: ClassVar[tuple[str, ...]] = (
        *("counting", "response_minutes", "resolution_minutes", "remind_minutes", "unack_minutes", "recheck_minutes"),
        *("snooze_minutes", "pause_minutes", "informs"),
    )
    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a policy")
        verbose_name_plural = _("versions of policies")
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number"),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(status="published"), name="one_published_version_per_policy"
            ),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(status__in=OPEN), name="one_open_version_per_policy"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["published", "retired"]) | Q(published_at__isnull=False) & ~Q(checksum=""),
                name="published_policy_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(
                    response_minutes__gte=1, remind_minutes__gte=1, unack_minutes__gte=1, recheck_minutes__gte=1
                ),
                name="policy_minutes_positive",
            ),
        ]
        triggers = guarded(GUARD_VERSION)

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    @property
    def scope(self) -> Scope:
        return self.policy.scope


class Target(models.TextChoices):
    """Whom a step reaches."""

    OWNER = "owner", _("owner")
    ROLE = "role", _("role on duty")
    PERSON = "person", _("named person")


class Condition(models.TextChoices):
    UNANSWERED = "unanswered", _("while nobody has answered")
    UNRESOLVED = "unresolved", _("until it is resolved")


class PolicyStep(models.Model):
    """`after_minutes` since the exception was raised; the last step comes again every `repeat_minutes`.

    `says`: the fields that are its content.
    """

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("step"))
    after_minutes = models.PositiveIntegerField(_("after minutes"), default=0)
    target = models.CharField(_("whom"), max_length=8, choices=Target.choices, default=Target.ROLE)
    role = models.ForeignKey(
        "plant.Role", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("role")
    )
    person = models.ForeignKey(
        "plant.Person", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    channel = models.CharField(
        _("how"),
        max_length=10,
        choices=ChannelKind.choices,
        blank=True,
        help_text=_("Empty: as the person has chosen."),
    )
    condition = models.CharField(_("if"), max_length=10, choices=Condition.choices, default=Condition.UNANSWERED)
    repeat_minutes = models.PositiveIntegerField(
        _("repeat every"), default=15, validators=[MinValueValidator(1)], help_text=_("Of the last step only.")
    )

    version_id: int
    role_id: int | None
    person_id: int | None
    says: ClassVar[tuple[str, ...]] = (
        *("position", "after_minutes", "target", "role_id", "person_id", "channel", "condition", "repeat_minutes"),
    )

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                # Two that change places are saved one after the other.
                fields=["version", "position"],
                name="policy_step_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(target="owner", role=None, person=None)
                | Q(target="role", role__isnull=False, person=None)
                | Q(target="person", role=None, person__isnull=False),
                name="policy_step_reaches_somebody",
            ),
            models.CheckConstraint(condition=Q(repeat_minutes__gte=1), name="policy_step_repeats_later"),
        ]
        triggers = guarded(GUARD_POLICY_PART)

    def __str__(self) -> str:
        return f"{self.after_minutes}: {self.whom}"

    @property
    def whom(self) -> str:
        """In words, for the path of an exception."""
        return str(self.role or self.person or Target(self.target).label)
