"""What is drafted, published by somebody else, and fixed from then on: policies, playbooks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.rights import EVERYWHERE, Scope


class PolicyStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class Published(models.Model):
    """`author_id`: who began the draft; somebody else publishes it."""

    number = models.PositiveIntegerField(_("number"), editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=PolicyStatus.choices, default=PolicyStatus.DRAFT, editable=False
    )
    author_id = models.BigIntegerField(_("author"), null=True, editable=False)
    approver_id = models.BigIntegerField(_("approved by"), null=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    note = models.TextField(_("what changes and why"), blank=True)

    class Meta:
        abstract = True

    @property
    def scope(self) -> Scope:
        return EVERYWHERE

    @property
    def is_draft(self) -> bool:
        return bool(self.status == PolicyStatus.DRAFT)
