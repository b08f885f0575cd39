"""Which site has which ERP, and what is on its way there."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.core.triggers import GuardTrigger
from apps.erp_sync.actions import VIEW_POSTINGS
from apps.labor.models import TimeEntry
from apps.materials.models import Lot, Movement
from apps.orders.models import Confirmation, JobOrder, WorkOrder
from apps.plant.models import Site

NUMBER_AT_COMMIT = "mfgos_number_posting"


class ErpLinkQuerySet(models.QuerySet["ErpLink"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_POSTINGS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class ErpLink(models.Model):
    """`policy` see apps.erp_sync.policy. No secret lives here: the password is in the environment of the worker."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    system = models.CharField(_("ERP"), max_length=20, default="tryton")
    host = models.CharField(_("host"), max_length=200)
    port = models.PositiveIntegerField(_("port"))
    database = models.CharField(_("database"), max_length=80)
    user = models.CharField(_("user"), max_length=80)
    password_env = models.CharField(_("environment variable with the password"), max_length=80)
    policy = models.JSONField(_("policy"), default=dict, blank=True)
    active = models.BooleanField(_("in use"), default=True)

    site_id: int
    objects = ErpLinkQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("ERP of a site")
        verbose_name_plural = _("ERPs of sites")
        ordering = ["site", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["site"], condition=Q(active=True), name="one_active_erp_per_site"),
            models.CheckConstraint(condition=Q(password_env__regex=r"^[A-Z][A-Z0-9_]*$"), name="erp_password_env_name"),  # noqa: S106
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.host}:{self.port}/{self.database}"

    @property
    def scope(self) -> Scope:
        return self.site.scope


class OutboxThread(models.Model):
    """How far the postings of one thread are numbered. Locked at commit only: commands do not queue up here."""

    thread = models.CharField(max_length=80, primary_key=True)
    last_sequence = models.BigIntegerField()

    def __str__(self) -> str:
        return self.thread


class PostingKind(models.TextChoices):
    START = "start", _("order started")
    FINISH = "finish", _("order finished")
    CYCLE = "cycle", _("time of an operation")
    MOVE = "move", _("goods movement")
    LABOR = "labor", _("time of a person")
    LOT = "lot", _("lot")
    NOTE = "note", _("note on the order")


# What changes no stock, and for which nothing else of the order waits.
BESIDE = (PostingKind.LABOR, PostingKind.NOTE)


class PostingState(models.TextChoices):
    """Parked: a person must decide. Skipped: a person has decided that the ERP does not get it."""

    QUEUED = "queued", _("waiting")
    LEASED = "leased", _("being sent")
    POSTED = "posted", _("in the ERP")
    PARKED = "parked", _("parked")
    SKIPPED = "skipped", _("skipped")


# What still stands between the next posting of its thread and the ERP.
UNSETTLED = (PostingState.QUEUED, PostingState.LEASED, PostingState.PARKED)


class PostingQuerySet(models.QuerySet["Posting"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_POSTINGS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))

    def unsettled(self) -> Self:
        return self.filter(state__in=UNSETTLED)


class Posting(models.Model):
    """One thing that the ERP must have exactly once. What it says never changes; only how far it has come does.

    key             ours, kept by the ERP beside what the posting made
    thread          postings of one thread go out one after the other, by `sequence`, which is given at commit
    event_id, part  the ledger event that it was derived from, and which of its postings this is
    payload         a posting of apps.erp_sync.connectors.postings; see apps.erp_sync.payloads
    reverses, needs_lot   an earlier posting whose reference in the ERP goes into this one when it is sent
    time_entry      whose time it is; which employee of the ERP that person is, is looked up when it is sent
    erp_refs        [{"system", "type", "id", "version"}, ...]
    Times of the lease are the database's own: processes must agree on them whatever their clocks say.
    """

    key = models.UUIDField(_("key"), default=uuid4, editable=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    link = models.ForeignKey(ErpLink, models.PROTECT, related_name="postings", verbose_name=_("ERP"))
    work_order = models.ForeignKey(WorkOrder, models.PROTECT, related_name="+", verbose_name=_("work order"))
    job_order = models.ForeignKey(JobOrder, models.PROTECT, null=True, related_name="+", verbose_name=_("operation"))
    movement = models.ForeignKey(Movement, models.PROTECT, null=True, related_name="+", verbose_name=_("movement"))
    confirmation = models.ForeignKey(Confirmation, models.PROTECT, null=True, related_name="+")
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+")
    time_entry = models.ForeignKey(TimeEntry, models.PROTECT, null=True, related_name="+", verbose_name=_("time"))
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversed_by")
    needs_lot = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    thread = models.CharField(_("story"), max_length=80)
    sequence = models.BigIntegerField(_("place in its story"), null=True, editable=False)
    kind = models.CharField(_("what"), max_length=8, choices=PostingKind.choices)
    payload = models.JSONField(_("content"))
    event_id = models.BigIntegerField(_("ledger event"))
    part = models.CharField(max_length=40)
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    state = models.CharField(_("state"), max_length=8, choices=PostingState.choices, default=PostingState.QUEUED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"), db_default=Now())
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    last_error = models.TextField(_("last answer"), blank=True)
    parked_reason = models.JSONField(_("parked because"), default=dict)
    skipped_reason = models.TextField(_("skipped because"), blank=True)
    erp_refs = models.JSONField(_("documents"), default=list)
    posted_at = models.DateTimeField(_("in the ERP since"), null=True)

    site_id: int
    link_id: int
    work_order_id: int
    job_order_id: int | None
    movement_id: int | None
    lot_id: int | None
    time_entry_id: int | None
    confirmation_id: int | None
    reverses_id: int | None
    needs_lot_id: int | None
    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["-pk"]
        triggers = [
            GuardTrigger(
                name="number_at_commit",
                function=NUMBER_AT_COMMIT,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="posting_key"),
            models.UniqueConstraint(fields=["event_id", "part"], name="posting_once_per_event"),
            models.UniqueConstraint(fields=["thread", "sequence"], name="posting_place"),
            models.UniqueConstraint(fields=["work_order"], condition=Q(kind="start"), name="one_start_per_order"),
            models.UniqueConstraint(fields=["link", "lot"], condition=Q(kind="lot"), name="one_posting_per_lot"),
            models.CheckConstraint(condition=Q(state__in=PostingState.values), name="posting_state_known"),
            models.CheckConstraint(condition=Q(kind__in=PostingKind.values), name="posting_kind_known"),
            models.CheckConstraint(
                condition=Q(state="leased", lease_token__isnull=False, lease_until__isnull=False)
                | ~Q(state="leased") & Q(lease_token=None, lease_until=None),
                name="posting_lease_whole",
            ),
            models.CheckConstraint(
                condition=Q(state="posted", posted_at__isnull=False) | ~Q(state="posted") & Q(posted_at=None),
                name="posting_posted_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="parked") | ~Q(parked_reason={}), name="posting_parked_has_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["thread", "sequence"], name="posting_open", condition=Q(state__in=UNSETTLED)),
            models.Index(fields=["next_at"], name="posting_due", condition=Q(state__in=("queued", "leased"))),
            models.Index(fields=["site"], name="posting_parked", condition=Q(state="parked")),
            models.Index(fields=["posted_at"], name="posting_posted", condition=Q(state="posted")),
            models.Index(fields=["job_order", "id"], name="posting_cycles", condition=Q(kind="cycle")),
            models.Index(fields=["time_entry"], name="posting_times", condition=Q(time_entry__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"

    @property
    def scope(self) -> Scope:
        return self.site.scope

    @property
    def document(self) -> str:
        """The ERP's document, as people name it: "stock.move 17"."""
        return ", ".join(f"{ref['type']} {ref['id']}" for ref in self.erp_refs)
