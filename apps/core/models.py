"""The ledger, the receipts of commands, and the shared clock."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor, Origin
from apps.core.rights import Action
from apps.core.triggers import append_only


class LedgerEventQuerySet(models.QuerySet["LedgerEvent"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        """Events of the sites that the actor holds `action` for; those of no site only to who holds it everywhere."""
        places = rights.places(actor, action)
        if rights.EVERYWHERE & places:
            return self
        return self.filter(
            site_id__in=[int(key) for kind, _, key in (p.partition(":") for p in places) if kind == "site"]
        )


class LedgerEvent(models.Model):
    """Every action and every refused attempt, once, for ever.

    No foreign keys: a row outlives what it names. People are named by id only, so that an erasure leaves it whole.
    """

    kind = models.CharField(_("what happened"), max_length=80)
    site_id = models.BigIntegerField(_("site"), null=True)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=80)
    thread = models.CharField(_("story"), max_length=80, blank=True)
    actor_id = models.BigIntegerField(_("person"), null=True)
    agent = models.CharField(_("part of the system"), max_length=40, blank=True)
    on_behalf_of_id = models.BigIntegerField(null=True)
    terminal_id = models.BigIntegerField(_("terminal"), null=True)
    origin = models.CharField(_("driven by"), max_length=12, choices=Origin.choices)
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    cause_id = models.BigIntegerField(_("caused by event"), null=True)
    command_id = models.UUIDField(null=True)
    erp_reference = models.CharField(_("ERP reference"), max_length=80, blank=True)
    data = models.JSONField(default=dict)

    objects = LedgerEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger event")
        verbose_name_plural = _("ledger events")
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "id"], name="ledger_subject"),
            models.Index(fields=["thread", "id"], name="ledger_thread", condition=~models.Q(thread="")),
            models.Index(fields=["kind", "id"], name="ledger_kind"),
            models.Index(fields=["command_id"], name="ledger_command"),
            BrinIndex(fields=["recorded_at"], name="ledger_recorded"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind}:{self.subject_id}"


class CommandReceipt(models.Model):
    """One row per command done, so that the same id gives the same answer. Apart from the ledger: it may be pruned."""

    command_id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=80)
    digest = models.CharField(_("hash of the input"), max_length=64)
    answer = models.JSONField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [BrinIndex(fields=["recorded_at"], name="receipt_recorded")]

    def __str__(self) -> str:
        return f"{self.name} {self.command_id}"


class SharedClock(models.Model):
    """At most one row; see apps.core.clock."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    real_anchor = models.DateTimeField()
    shown_anchor = models.DateTimeField()
    rate = models.DecimalField(max_digits=9, decimal_places=3)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_shared_clock")]

    def __str__(self) -> str:
        return f"{self.shown_anchor} x{self.rate}"


class FieldOwnership(models.Model):
    """A field that has changed hands, because an ERP began or ceased to send it; see apps.core.ownership."""

    class Owner(models.TextChoices):
        ERP = "erp", _("ERP")
        MFGOS = "mfgos", _("mfgos")

    model = models.CharField(_("table"), max_length=80, help_text="materials.Item")
    field = models.CharField(_("field"), max_length=80)
    owner = models.CharField(_("owner"), max_length=5, choices=Owner.choices)
    # By id, as in the ledger: places are an upper floor's. Empty: every site without a switch of its own.
    site_id = models.BigIntegerField(_("site"), null=True, blank=True)

    class Meta:
        verbose_name = _("ownership of a field")
        verbose_name_plural = _("ownership of fields")
        ordering = ["model", "field", "site_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "field", "site_id"], nulls_distinct=False, name="one_owner_per_field_and_site"
            ),
            models.CheckConstraint(condition=models.Q(owner__in=["erp", "mfgos"]), name="owner_known"),
        ]

    def __str__(self) -> str:
        return f"{self.model}.{self.field}: {self.owner}"
