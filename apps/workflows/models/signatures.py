"""A step that several people sign before it is taken, and their signatures."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.triggers import append_only
from apps.workflows.models.versions import Version


class SignedStepQuerySet(models.QuerySet["SignedStep"]):
    def open(self) -> SignedStepQuerySet:
        return self.filter(closed_at__isnull=True)


class SignedStep(models.Model):
    """One edge of one item on its way to being taken: what was typed, and why a broken part of it is overridden.

    since_event_id   ledger id of the move that brought the item here, 0: it began here; another move ends the step
    inputs           as typed, or chosen; free texts too, so they are kept here and not in the ledger
    override_reason  empty: nothing is overridden
    taken_event_id   ledger id of the move, once it is taken; None while open, and when the step came to nothing
    """

    item_kind = models.CharField(_("kind of item"), max_length=40)
    item_id = models.BigIntegerField(_("item"))
    site_id = models.BigIntegerField(_("site"), null=True)
    version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    edge = models.CharField(_("edge"), max_length=40)
    since_event_id = models.BigIntegerField()
    inputs = models.JSONField(_("what was entered"), default=dict)
    override_reason = models.TextField(_("why it is overridden"), blank=True)
    override_by_id = models.BigIntegerField(_("overridden by"), null=True)
    opened_at = models.DateTimeField(_("first signed"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    taken_event_id = models.BigIntegerField(null=True)

    objects = SignedStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("signed step")
        verbose_name_plural = _("signed steps")
        constraints = [
            models.UniqueConstraint(
                fields=["item_kind", "item_id", "edge"],
                condition=models.Q(closed_at__isnull=True),
                name="workflows_one_open_signed_step",
            ),
            models.CheckConstraint(
                condition=models.Q(override_reason="", override_by_id=None)
                | ~models.Q(override_reason="") & models.Q(override_by_id__isnull=False),
                name="workflows_override_has_a_name",
            ),
        ]
        indexes = [models.Index(fields=["item_kind", "item_id"], name="workflows_signed_item")]

    def __str__(self) -> str:
        return f"{self.item_kind} {self.item_id}: {self.edge}"


class Signature(models.Model):
    """Who signed what, when, and what it meant; never changed.

    meaning      as it was shown: language -> text
    record_hash  SHA-256 of the record that was signed (apps.workflows.signing.record_hash)
    proof        command id of the sign-in by which the signer gave badge and PIN, or password, again; used once
    """

    step = models.ForeignKey(SignedStep, models.PROTECT, related_name="signatures")
    person_id = models.BigIntegerField(_("person"))
    meaning = models.JSONField(_("meaning"), default=dict)
    signed_at = models.DateTimeField(_("signed"))
    record_hash = models.CharField(_("hash of the record"), max_length=64)
    proof = models.UUIDField(null=True, unique=True)
    terminal_id = models.BigIntegerField(_("terminal"), null=True)

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["signed_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["step", "person_id"], name="workflows_signs_once")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.step} #{self.person_id}"
