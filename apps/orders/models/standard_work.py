"""Standard work: the master that engineers publish, the directive that an operation runs by, and what was done.

A step's `frequency` says how often it is due; see apps.orders.progress.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.core.triggers import append_only, guarded
from apps.orders.actions import VIEW_ORDERS
from apps.plant.models import Site
from apps.plant.texts import validate_texts
from apps.workflows.definition import word

GUARD_MASTER = "orders_guard_master"
GUARD_MASTER_STEP = "orders_guard_master_step"


class MasterStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class StepKind(models.TextChoices):
    READ = "read", _("read")
    CONFIRM = "confirm", _("confirm")
    MEASURE = "measure", _("measure")
    SCAN = "scan", _("scan")


class Frequency(models.TextChoices):
    ONCE = "once", _("once per operation")
    PER_SET_UP = "per_set_up", _("per set-up")
    PER_PIECE = "per_piece", _("per piece")
    EVERY_N = "every_n", _("every so many pieces")
    PER_CONTAINER = "per_container", _("per container")


class WorkMasterQuerySet(models.QuerySet["WorkMaster"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_ORDERS) -> Self:
        """Those of every site, and those of the sites that the actor holds the action for."""
        if not rights.places(actor, action):
            return self.none()
        return self.filter(Q(site=None) | Q(site__in=Site.objects.visible_to(actor, action)))

    def next_number(self, *, item_id: int, operation_name: str, site_id: int | None) -> int:
        same = self.filter(item=item_id, operation_name=operation_name, site=site_id)
        return int(same.aggregate(last=models.Max("number"))["last"] or 0) + 1

    def in_force(self, site_id: int, item_codes: Collection[str]) -> dict[tuple[str, str], WorkMaster]:
        """By item and operation the published one; the site's own before the one for every site."""
        published = self.filter(
            Q(site=None) | Q(site=site_id), item__code__in=item_codes, status=MasterStatus.PUBLISHED
        ).select_related("item")
        ordered = published.order_by(F("site").asc(nulls_first=True))
        return {(master.item.code, master.operation_name): master for master in ordered}


class WorkMaster(models.Model):
    """How one operation of one item is worked. Draft, published, retired: one-way, and a trigger holds it."""

    item = models.ForeignKey("materials.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    operation_name = models.CharField(
        _("operation"), max_length=120, help_text=_("The name that operations of the item bear, letter by letter.")
    )
    site = models.ForeignKey(
        "plant.Site",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("site"),
        help_text=_("Empty: every site that has none of its own."),
    )
    number = models.PositiveIntegerField(_("version"), editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=MasterStatus.choices, default=MasterStatus.DRAFT, editable=False
    )
    published_at = models.DateTimeField(_("published"), null=True, editable=False)

    item_id: int
    site_id: int | None
    history = History()
    objects = WorkMasterQuerySet.as_manager()

    class Meta:
        verbose_name = _("standard work")
        verbose_name_plural = _("standard work")
        ordering = ["item", "operation_name", "-number"]
        triggers = guarded(GUARD_MASTER)
        constraints = [
            models.UniqueConstraint(
                fields=["item", "operation_name", "site", "number"], nulls_distinct=False, name="work_master_number"
            ),
            models.UniqueConstraint(
                fields=["item", "operation_name", "site"],
                condition=Q(status="published"),
                nulls_distinct=False,
                name="one_published_work_master",
            ),
            models.CheckConstraint(condition=Q(status__in=MasterStatus.values), name="work_master_status_known"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="work_master_published_is_dated"
            ),
            models.CheckConstraint(condition=~Q(operation_name=""), name="work_master_has_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.operation_name} v{self.number}"

    @property
    def is_draft(self) -> bool:
        return self.status == MasterStatus.DRAFT

    @property
    def scope(self) -> Scope:
        return self.site.scope if self.site else EVERYWHERE


class StepFields(models.Model):
    """What a step is, in the master as in the directive. `titles` and `texts` are language -> words."""

    position = models.PositiveSmallIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=8, choices=StepKind.choices)
    titles = models.JSONField(
        _("title"),
        default=dict,
        validators=[validate_texts],
        help_text='{"en": "Measure gap S", "de": "Spalt S messen"}',
    )
    texts = models.JSONField(_("text"), default=dict, blank=True, validators=[validate_texts])
    frequency = models.CharField(_("how often"), max_length=13, choices=Frequency.choices, default=Frequency.PER_PIECE)
    every_n = models.PositiveIntegerField(_("every so many pieces"), null=True, blank=True)
    container_size = models.PositiveIntegerField(_("pieces in a container"), null=True, blank=True)
    required = models.BooleanField(_("required"), default=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    low = QuantityField(_("lower limit"), null=True, blank=True)
    high = QuantityField(_("upper limit"), null=True, blank=True)
    aim = QuantityField(_("aim"), null=True, blank=True)
    scan_item = models.ForeignKey(
        "materials.Item", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("item to scan")
    )

    scan_item_id: int | None

    class Meta:
        abstract = True
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(position__gt=0), name="%(class)s_position"),
            models.CheckConstraint(
                condition=Q(kind__in=StepKind.values, frequency__in=Frequency.values), name="%(class)s_words_known"
            ),
            models.CheckConstraint(
                condition=(Q(low=None) | Q(high=None) | Q(low__lt=F("high")))
                & (Q(low=None) | Q(aim=None) | Q(low__lte=F("aim")))
                & (Q(high=None) | Q(aim=None) | Q(aim__lte=F("high"))),
                name="%(class)s_limits_ordered",
            ),
            models.CheckConstraint(
                condition=Q(kind="measure") | Q(low=None, high=None, aim=None), name="%(class)s_limits_are_measured"
            ),
            models.CheckConstraint(
                condition=Q(frequency="every_n", every_n__isnull=False, every_n__gt=0)
                | ~Q(frequency="every_n") & Q(every_n=None),
                name="%(class)s_every_n",
            ),
            models.CheckConstraint(
                condition=Q(frequency="per_container", container_size__isnull=False, container_size__gt=0)
                | ~Q(frequency="per_container") & Q(container_size=None),
                name="%(class)s_container",
            ),
            models.CheckConstraint(
                condition=Q(kind="scan", scan_item__isnull=False) | ~Q(kind="scan") & Q(scan_item=None),
                name="%(class)s_scans_an_item",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.title}"

    @property
    def title(self) -> str:
        """In the active language."""
        return word(self.titles)

    @property
    def text(self) -> str:
        return word(self.texts)

    @property
    def interval(self) -> int | None:
        """After how many pieces it is due again, where it is due by pieces made."""
        return {Frequency.EVERY_N: self.every_n, Frequency.PER_CONTAINER: self.container_size}.get(
            Frequency(self.frequency)
        )


class MasterStep(StepFields):
    master = models.ForeignKey(WorkMaster, models.CASCADE, related_name="steps", verbose_name=_("standard work"))

    master_id: int
    history = History()

    class Meta(StepFields.Meta):
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        triggers = guarded(GUARD_MASTER_STEP)
        constraints = [
            *StepFields.Meta.constraints,
            # Checked at the end, so that two steps may swap their places.
            models.UniqueConstraint(
                fields=["master", "position"], name="master_step_once", deferrable=models.Deferrable.DEFERRED
            ),
        ]


class WorkDirective(models.Model):
    """The steps that one operation runs by, as they were when it was released."""

    job_order = models.OneToOneField("orders.JobOrder", models.PROTECT, related_name="directive")
    master = models.ForeignKey(WorkMaster, models.PROTECT, null=True, related_name="+")
    frozen_at = models.DateTimeField(_("frozen"))

    job_order_id: int
    master_id: int | None

    class Meta:
        verbose_name = _("work directive")
        verbose_name_plural = _("work directives")
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.job_order_id}"


class DirectiveStep(StepFields):
    directive = models.ForeignKey(WorkDirective, models.PROTECT, related_name="steps")

    directive_id: int

    class Meta(StepFields.Meta):
        verbose_name = _("step to do")
        verbose_name_plural = _("steps to do")
        triggers = append_only()
        constraints = [
            *StepFields.Meta.constraints,
            models.UniqueConstraint(fields=["directive", "position"], name="directive_step_once"),
        ]


class StepRecord(models.Model):
    """One step, done or tried: what is outside its limits is on record and does not count as done.

    occasion   which time it was due: 1 for once, the set-up's number, the piece, the how-many-th check or container
    piece      the same for steps per piece, else None
    left_out   a step that is not required, and was not done
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="step_records")
    step = models.ForeignKey(DirectiveStep, models.PROTECT, related_name="records")
    occasion = models.PositiveIntegerField(_("occasion"))
    piece = models.PositiveIntegerField(_("piece"), null=True)
    value = QuantityField(_("value"), null=True)
    is_within = models.BooleanField(_("within limits"), null=True)
    left_out = models.BooleanField(_("left out"), default=False)
    lot = models.ForeignKey("materials.Lot", models.PROTECT, null=True, related_name="+")
    person_id = models.BigIntegerField(_("person"), null=True)
    terminal_id = models.BigIntegerField(null=True)
    command_id = models.UUIDField()
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    job_order_id: int
    step_id: int
    lot_id: int | None

    class Meta:
        verbose_name = _("step done")
        verbose_name_plural = _("steps done")
        ordering = ["pk"]
        triggers = append_only()
        indexes = [models.Index(fields=["job_order", "step", "-occasion", "-id"], name="step_record_last")]
        constraints = [
            models.UniqueConstraint(
                fields=["job_order", "step", "occasion"],
                condition=Q(is_within__isnull=True) | Q(is_within=True),
                name="step_done_once",
            ),
            models.CheckConstraint(
                condition=Q(occasion__gt=0) & (Q(piece=None) | Q(piece=F("occasion"))), name="step_record_occasion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step_id}/{self.occasion}"

    @property
    def counts(self) -> bool:
        """Whether with it the step is done."""
        return self.is_within is not False


class StepRemark(models.Model):
    """What a person wrote beside a step; apart from the record, because it may name somebody and stays erasable."""

    record = models.OneToOneField(StepRecord, models.PROTECT, related_name="remark")
    text = models.TextField(_("remark"))

    class Meta:
        verbose_name = _("remark on a step")
        verbose_name_plural = _("remarks on steps")

    def __str__(self) -> str:
        return f"{self.record_id}"
