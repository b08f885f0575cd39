"""One operation of a work order, dispatched to a work center; "operation" on screens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Self

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, owned_by_erp
from apps.core.prepared import Given, Prepared
from apps.core.rights import Action, Scope
from apps.orders.actions import VIEW_ORDERS
from apps.orders.models.blockers import Blocker
from apps.orders.models.materials import JobMaterial
from apps.orders.models.statuses import BEGUN, OPEN, DispatchStatus
from apps.plant.models import within
from apps.workflows.models import Phases, WorkflowItem, workflow_triggers


class JobOrderQuerySet(models.QuerySet["JobOrder"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_ORDERS) -> Self:
        return self.filter(within(rights.places(actor, action)))

    def at_station(self, work_unit_id: int | Given, work_center_id: int | Given) -> Self:
        """Those meant for this work unit, or for any of its work center."""
        return self.filter(
            models.Q(work_unit_id=work_unit_id) | models.Q(work_unit=None), work_center_id=work_center_id
        )

    def not_over(self) -> Self:
        return self.filter(status__in=BEGUN | OPEN)

    def by_due_date(self) -> Self:
        return self.order_by(
            models.F("work_order__due_at").asc(nulls_last=True),
            "work_order__priority",
            "work_order__number",
            "sequence",
        )


class JobOrder(ErpFed, WorkflowItem):
    """`good_quantity` and `scrap_quantity` are the sums of its confirmations, kept under the row's lock.

    Of one that the ERP knows, the ERP owns its key there, and nothing else.
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_order = models.ForeignKey("orders.WorkOrder", models.PROTECT, related_name="job_orders")
    sequence = models.PositiveIntegerField(_("operation"))
    name = models.CharField(_("name"), max_length=120)
    work_center = models.ForeignKey("plant.WorkCenter", models.PROTECT, related_name="+", verbose_name=_("line"))
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("station")
    )
    quantity = QuantityField(_("quantity"))
    good_quantity = QuantityField(_("good"), default=Decimal(0), editable=False)
    scrap_quantity = QuantityField(_("scrap"), default=Decimal(0), editable=False)
    predecessor = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="successor", verbose_name=_("operation before"), editable=False
    )
    transfer_quantity = QuantityField(
        _("pieces that go on together"), null=True, blank=True, help_text=_("Empty: all of them, at the end.")
    )
    is_count_point = models.BooleanField(
        _("counts by itself"), default=True, help_text=_("Off: what the next operation books, this one has made too.")
    )
    started_at = models.DateTimeField(_("first start"), null=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)

    site_id: int
    work_order_id: int
    work_center_id: int
    work_unit_id: int | None
    predecessor_id: int | None
    # Those of which all are asked as soon as one is.
    read_with: Sequence[JobOrder] = ()
    erp_owned = owned_by_erp()
    history = History()
    objects = JobOrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["work_order", "sequence"]
        triggers = workflow_triggers()
        constraints = [
            models.UniqueConstraint(fields=["work_order", "sequence"], name="job_order_sequence"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="job_order_quantity_positive"),
            models.CheckConstraint(
                condition=models.Q(transfer_quantity=None) | models.Q(transfer_quantity__gt=0),
                name="job_order_transfer_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(good_quantity__gte=0, scrap_quantity__gte=0), name="job_order_made_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["work_center", "status"],
                name="job_order_at_line",
                condition=models.Q(status__in=sorted(OPEN | BEGUN)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_order_id}/{self.sequence}"

    @property
    def scope(self) -> Scope:
        return self.work_center.scope

    @cached_property
    def needs(self) -> list[JobMaterial]:
        """What it uses up, by item, read once; see `read_needs`."""
        read_needs([self])
        return self.needs

    @cached_property
    def open_blockers(self) -> list[Blocker]:
        """What stops most first. Read once; `readiness.reconsider`, which alone changes them, forgets them.

        See `read_open_blockers`.
        """
        read_open_blockers(self.read_with or [self])
        return self.open_blockers

    @property
    def to_do(self) -> Decimal:
        """Good pieces still missing, never below zero."""
        missing: Decimal = self.quantity - self.good_quantity
        return max(Decimal(0), missing)

    @property
    def most_good(self) -> Decimal:
        """What may be made at most: the quantity and the over-delivery that is allowed."""
        most: Decimal = self.quantity * (100 + self.work_order.over_delivery_percent) / 100
        return most

    @property
    def topics(self) -> Collection[str]:
        topics = {f"line:{self.work_center_id}", f"work_order:{self.work_order_id}"}
        return topics | ({f"station:{self.work_unit_id}"} if self.work_unit_id else set())

    @property
    def made(self) -> Decimal:
        """Good and scrap: what was begun with and is done."""
        made: Decimal = self.good_quantity + self.scrap_quantity
        return made

    @property
    def status_label(self) -> str:
        return str(DispatchStatus(self.status).label)

    @property
    def is_running(self) -> bool:
        return bool(self.status == DispatchStatus.RUNNING)

    @property
    def is_setting_up(self) -> bool:
        """Running, but not yet making pieces other than the first."""
        return self.is_running and self.graph.states[self.state].phase == Phases.SET_UP.value

    @property
    def is_stopped(self) -> bool:
        """Its machine has stopped it, nobody has paused it."""
        return self.graph.states[self.state].phase == Phases.STOP.value


_NEEDS_OF_ALL = Prepared(lambda: JobMaterial.objects.with_item().filter(job_order__any=Given("job_orders")))
_OPEN_BLOCKERS_OF_ALL = Prepared(lambda: Blocker.objects.nearest_first().filter(job_order__any=Given("job_orders")))


def read_needs(jobs: Sequence[JobOrder]) -> None:
    """Of those that have not read theirs, in one query; in none where all have."""
    jobs = [job for job in jobs if "needs" not in vars(job)]
    if not jobs:
        return
    found: defaultdict[int, list[JobMaterial]] = defaultdict(list)
    for need in _NEEDS_OF_ALL(job_orders=[job.pk for job in jobs]):
        found[need.job_order_id].append(need)
    for job in jobs:
        job.needs = found[job.pk]


def read_open_blockers(jobs: Sequence[JobOrder]) -> None:
    """Of those that have not read theirs, in one query; in none where all have."""
    jobs = [job for job in jobs if "open_blockers" not in vars(job)]
    if not jobs:
        return
    of = {job.pk: job for job in jobs}
    for job in jobs:
        job.open_blockers = []
    for blocker in _OPEN_BLOCKERS_OF_ALL(job_orders=list(of)):
        blocker.job_order = of[blocker.job_order_id]
        blocker.job_order.open_blockers.append(blocker)
