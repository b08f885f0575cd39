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


class VersionRollout(models.Model):
    """How far a published version has come; the version itself never changes.

    line_ids        work centers that it holds on first, while it is not widened to all
    took_effect_at  when its hour had come, and those who look were told
    """

    line_ids = ArrayField(models.BigIntegerField(), default=list, verbose_name=_("first on the lines"))
    widened_at = models.DateTimeField(_("everywhere since"), null=True)
    widened_by_id = models.BigIntegerField(_("widened by"), null=True)
    took_effect_at = models.DateTimeField(_("took effect"), null=True)

    class Meta:
        abstract = True

    def holds_on(self, line_id: int | None) -> bool:
        return self.widened_at is not None or line_id in self.line_ids


class Step(models.Model):
    """A draft after one edit; number 0 is what it began with. What is undone can be redone until the next edit."""

    number = models.PositiveIntegerField(_("number"))
    label = models.CharField(_("what was done"), max_length=200, blank=True)
    definition = models.JSONField(_("definition"))
    person_id = models.BigIntegerField(_("by"), null=True)
    at = models.DateTimeField(_("at"))
    is_undone = models.BooleanField(_("undone"), default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.label
