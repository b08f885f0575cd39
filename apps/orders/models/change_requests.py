"""Somebody wants an item to be made otherwise: asked for, assessed, approved, put into practice, closed."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.orders.actions import VIEW_ORDERS
from apps.plant.models import Site
from apps.workflows.models import WorkflowItem, workflow_triggers


class ChangeRequestStatus(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    ASSESSED = "assessed", _("Assessed")
    APPROVING = "approving", _("Approved in part")
    APPROVED = "approved", _("Approved")
    IMPLEMENTED = "implemented", _("Implemented")
    CLOSED = "closed", _("Closed")
    REJECTED = "rejected", _("Rejected")


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_ORDERS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class ChangeRequest(WorkflowItem):
    """Of an item, on one line or (none) wherever it is made at the site.

    What is wanted, and why, are free texts: without history, so that they stay erasable; once asked for they stand, or
    nobody would know what was approved.
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    item = models.ForeignKey("materials.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    work_center = models.ForeignKey(
        "plant.WorkCenter", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("line")
    )
    title = models.CharField(_("what is to change"), max_length=120)
    reason = models.TextField(_("why, and how"), max_length=2_000)
    requested_by_id = models.BigIntegerField(_("asked for by"), editable=False)
    requested_at = models.DateTimeField(_("asked for"), editable=False)

    site_id: int
    item_id: int
    work_center_id: int | None
    objects = ChangeRequestQuerySet.as_manager()
    history = History(excluded_fields=["title", "reason"])

    class Meta:
        verbose_name = _("change request")
        verbose_name_plural = _("change requests")
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(title="") & ~models.Q(reason=""), name="change_request_says_what_and_why"
            )
        ]
        indexes = [models.Index(fields=["item", "status"], name="change_request_of_item")]
        triggers = workflow_triggers()

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def scope(self) -> Scope:
        return self.work_center.scope if self.work_center else self.site.scope


class ChangeNote(models.Model):
    """What somebody typed at a step of a request; not in the ledger, because it may name somebody: erasable.

    labels  of what was asked for, as it was shown: language -> text
    """

    request = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="notes")
    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    edge = models.CharField(_("step"), max_length=40)
    labels = models.JSONField(_("label"), default=dict)
    text = models.TextField(_("text"))
    written_by_id = models.BigIntegerField(_("written by"), null=True)
    written_at = models.DateTimeField(_("written"))

    request_id: int

    class Meta:
        verbose_name = _("note of a change request")
        verbose_name_plural = _("notes of change requests")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.edge}"
