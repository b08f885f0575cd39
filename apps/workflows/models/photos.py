"""Pictures that people take for a step: kept in the database, made once, never changed."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.rights import Action
from apps.core.triggers import append_only, guarded
from apps.plant.models import Site
from apps.workflows.actions import VIEW_PHOTOS

LONGEST_SIDE_PX = 2_000


class PhotoQuerySet(models.QuerySet["Photo"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_PHOTOS) -> Self:
        """Of the sites where the actor holds `action`, be it for one line only."""
        return self.filter(site__in=Site.objects.visible_to(actor, action))

    def unused(self) -> Self:
        return self.filter(uses__isnull=True)


class PhotoManager(models.Manager["Photo"]):
    """Without the pictures themselves: who wants one asks for it by name."""

    def get_queryset(self) -> PhotoQuerySet:
        return PhotoQuerySet(self.model, using=self._db).defer("content", "thumbnail")

    def visible_to(self, actor: Actor, action: Action = VIEW_PHOTOS) -> PhotoQuerySet:
        return self.get_queryset().visible_to(actor, action)

    def unused(self) -> PhotoQuerySet:
        return self.get_queryset().unused()


class Photo(models.Model):
    """Taken for one item; goes again after a day when no step has used it.

    content    JPEG, upright, its longest side at most LONGEST_SIDE_PX, without anything that a camera writes beside it
    sha256     of the content
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    item_kind = models.CharField(_("kind of item"), max_length=40)
    item_id = models.BigIntegerField(_("item"))
    content = models.BinaryField()
    thumbnail = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)
    width = models.PositiveSmallIntegerField(_("width (px)"))
    height = models.PositiveSmallIntegerField(_("height (px)"))
    taken_by_id = models.BigIntegerField(_("taken by"))
    taken_at = models.DateTimeField(_("taken"))
    terminal_id = models.BigIntegerField(_("terminal"), null=True)

    site_id: int
    objects = PhotoManager()

    class Meta:
        verbose_name = _("picture of a step")
        verbose_name_plural = _("pictures of steps")
        ordering = ["-taken_at", "-pk"]
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    width__gte=1, height__gte=1, width__lte=LONGEST_SIDE_PX, height__lte=LONGEST_SIDE_PX
                ),
                name="workflows_photo_size",
            ),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="workflows_photo_has_its_hash"
            ),
        ]
        indexes = [
            models.Index(fields=["item_kind", "item_id"], name="workflows_photo_item"),
            models.Index(fields=["taken_by_id", "taken_at"], name="workflows_photo_taken"),
            models.Index(fields=["taken_at"], name="workflows_photo_age"),
        ]
        triggers = guarded("mfgos_refuse_change", pgtrigger.Update)

    def __str__(self) -> str:
        return f"{self.item_kind} {self.item_id} #{self.pk}"

    @property
    def reference(self) -> str:
        """What a step keeps of it: which one, and what it looked like."""
        return f"{self.pk}:{self.sha256}"


class PhotoUse(models.Model):
    """A step that holds a picture; it stays from then on.

    name      of the input it was given for
    event_id  ledger id of the move; None: it belongs to what somebody has signed, taken or not
    """

    photo = models.ForeignKey(Photo, models.PROTECT, related_name="uses")
    edge = models.CharField(_("step"), max_length=40)
    name = models.CharField(_("input"), max_length=40)
    event_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("use of a picture")
        verbose_name_plural = _("uses of pictures")
        constraints = [
            models.UniqueConstraint(fields=["photo", "event_id"], name="workflows_photo_once_in_a_step"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.photo}: {self.edge}"
