"""The best supervisor's way of solving a type of exception, for everyone: versioned, fixed once published."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.models.exceptions import FloorException
from apps.andon.models.types import ExceptionType
from apps.core.rights import EVERYWHERE, Scope
from apps.core.triggers import guarded
from apps.plant.texts import in_language, validate_texts
from apps.workflows.models.life import GUARD_VERSION, OPEN, VersionLife, VersionStatus

GUARD_PLAYBOOK_PART = "andon_guard_playbook_part"


class Playbook(models.Model):
    """For exceptions of the type, in the context named; empty: any. Of several that fit the most exact one counts."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    type = models.ForeignKey(ExceptionType, models.PROTECT, related_name="playbooks", verbose_name=_("type"))
    site = models.ForeignKey(
        "plant.Site", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site")
    )
    area = models.ForeignKey(
        "plant.Area", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("area")
    )
    work_center = models.ForeignKey(
        "plant.WorkCenter", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("line")
    )
    item = models.CharField(_("item"), max_length=60, blank=True, help_text=_("Code of what it is about."))

    type_id: int
    site_id: int | None
    area_id: int | None
    work_center_id: int | None

    class Meta:
        verbose_name = _("playbook")
        verbose_name_plural = _("playbooks")
        ordering = ["type", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["type", "site", "area", "work_center", "item"],
                nulls_distinct=False,
                name="one_playbook_per_context",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        place = self.work_center or self.area or self.site
        return place.scope if place else EVERYWHERE

    def fits(self, exception: FloorException) -> bool:
        return (
            self.type_id == exception.type_id
            and self.site_id in (None, exception.site_id)
            and self.area_id in (None, exception.area_id)
            and self.work_center_id in (None, exception.work_center_id)
            and self.item in ("", exception.facts.get("item", ""))
        )

    @property
    def exactness(self) -> tuple[bool, bool, bool, bool]:
        return self.work_center_id is not None, self.area_id is not None, bool(self.item), self.site_id is not None


class PlaybookVersionQuerySet(models.QuerySet["PlaybookVersion"]):
    def in_force(self) -> Self:
        return self.filter(status=VersionStatus.PUBLISHED)


class PlaybookVersion(VersionLife):
    """`says`: the fields that are its content, besides its steps."""

    playbook = models.ForeignKey(Playbook, models.PROTECT, related_name="versions", verbose_name=_("playbook"))

    playbook_id: int
    says: ClassVar[tuple[str, ...]] = ()
    objects = PlaybookVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a playbook")
        verbose_name_plural = _("versions of playbooks")
        ordering = ["playbook", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["playbook", "number"], name="playbook_version_number"),
            models.UniqueConstraint(
                fields=["playbook"], condition=Q(status="published"), name="one_published_version_per_playbook"
            ),
            models.UniqueConstraint(
                fields=["playbook"], condition=Q(status__in=OPEN), name="one_open_version_per_playbook"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["published", "retired"]) | Q(published_at__isnull=False) & ~Q(checksum=""),
                name="published_playbook_is_dated",
            ),
        ]
        triggers = guarded(GUARD_VERSION)

    def __str__(self) -> str:
        return f"{self.playbook} v{self.number}"

    @property
    def scope(self) -> Scope:
        return self.playbook.scope


class PlaybookStep(models.Model):
    """
    code        the same in all versions, so that its history goes on
    cure        code of a registered cure; "" an instruction for a person
    inputs      chosen in advance; what is left open, whoever presses it chooses
    acts_alone  tried by the system as soon as the exception is raised
    says        the fields that are its content
    """

    version = models.ForeignKey(PlaybookVersion, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("step"))
    code = models.SlugField(_("code"), max_length=40)
    labels = models.JSONField(_("text"), default=dict, validators=[validate_texts], help_text=_("One per language."))
    cure = models.CharField(_("cure"), max_length=40, blank=True)
    inputs = models.JSONField(_("chosen in advance"), default=dict, blank=True)
    acts_alone = models.BooleanField(_("acts alone"), default=False)

    version_id: int
    says: ClassVar[tuple[str, ...]] = ("position", "code", "labels", "cure", "inputs", "acts_alone")

    class Meta:
        verbose_name = _("step of a playbook")
        verbose_name_plural = _("steps of playbooks")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                # Two that change places are saved one after the other.
                fields=["version", "position"],
                name="playbook_step_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(
                fields=["version", "code"], name="playbook_step_code", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(condition=Q(acts_alone=False) | ~Q(cure=""), name="alone_by_a_cure_only"),
        ]
        triggers = guarded(GUARD_PLAYBOOK_PART)

    def __str__(self) -> str:
        return self.label()

    def label(self, language: str | None = None) -> str:
        return in_language(self.labels, language, self.code)

    def takes(self, inputs: Any) -> bool:
        """Whether this way of the cure is one of those that the step means."""
        return all(inputs.get(name) == value for name, value in self.inputs.items())


class AloneOutcome(models.TextChoices):
    DUE = "due", _("to be tried")
    DONE = "done", _("done")
    FAILED = "failed", _("did not work")
    NEEDLESS = "needless", _("was not needed any more")


class AloneRun(models.Model):
    """A playbook acts alone once at most for an exception; `sentence`: why it did not work."""

    exception = models.OneToOneField(FloorException, models.PROTECT, related_name="alone_run")
    step = models.ForeignKey(PlaybookStep, models.PROTECT, related_name="alone_runs")
    outcome = models.CharField(max_length=8, choices=AloneOutcome.choices, default=AloneOutcome.DUE)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    sentence = models.CharField(max_length=400, blank=True)

    exception_id: int
    step_id: int

    class Meta:
        verbose_name = _("act of a playbook alone")
        verbose_name_plural = _("acts of playbooks alone")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["due_at", "id"], name="alone_run_due", condition=Q(outcome="due"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="due", done_at=None) | ~Q(outcome="due") & Q(done_at__isnull=False),
                name="alone_run_done_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.outcome}"
