"""The life of a version of anything that engineers make: draft, in review, published, retired."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

# Reads the columns of VersionLife by their names, and takes any other reference for what it is a version of.
GUARD_VERSION = "workflows_guard_version"


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    IN_REVIEW = "in_review", _("in review")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


# Of one thing there may be several such versions of a workflow or a rule, and one at a time of all else.
OPEN = (VersionStatus.DRAFT, VersionStatus.IN_REVIEW)


class VersionLife(models.Model):
    """One-way but for review -> draft, and a trigger holds it: a concrete model says so in its Meta, and has a
    reference to what it is a version of, which stays (as any reference that it has).

    People are named by id; `editor_ids` is everybody who has saved the draft, none of whom may approve it: they only
    become more.
    """

    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(
        _("status"), max_length=10, choices=VersionStatus.choices, default=VersionStatus.DRAFT, editable=False
    )
    checksum = models.CharField(_("checksum"), max_length=64, blank=True, editable=False)
    author_id = models.BigIntegerField(_("author"), null=True, editable=False)
    editor_ids = ArrayField(models.BigIntegerField(), default=list, editable=False)
    approver_id = models.BigIntegerField(_("approved by"), null=True, editable=False)
    note = models.TextField(_("what changes and why"), blank=True)
    created_at = models.DateTimeField(_("created"), editable=False)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_draft(self) -> bool:
        return self.status == VersionStatus.DRAFT

    def credit(self, person_id: int | None, checksum: str) -> Collection[str]:
        """Notes who has edited it and what it is now; answers the fields to save."""
        if person_id is not None and person_id not in self.editor_ids:
            self.editor_ids = [*self.editor_ids, person_id]
        self.checksum = checksum
        return ("editor_ids", "checksum")
