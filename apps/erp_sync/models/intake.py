"""How far an ERP has been read, what of it was not taken, and who its people are."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.rights import Action, Scope
from apps.erp_sync.actions import VIEW_POSTINGS
from apps.erp_sync.models.outbox import ErpLink
from apps.plant.models import Person, Site


class LinkedQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor, action: Action = VIEW_POSTINGS) -> Self:
        return self.filter(link__site__in=Site.objects.visible_to(actor, action))


class Linked(models.Model):
    """What stands at one site's ERP."""

    link = models.ForeignKey(ErpLink, models.PROTECT, related_name="+", verbose_name=_("ERP"))

    link_id: int
    objects = LinkedQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def scope(self) -> Scope:
        return self.link.site.scope


class Reading(Linked):
    """How far one kind of record has been read; the cursor is the connector's own and kept with what it brought.

    again    keys of records to be read again, though they have not changed
    problem  why the last try failed, until one succeeds
    """

    kind = models.CharField(_("what"), max_length=20)
    cursor = models.TextField(blank=True, default="")
    again = models.JSONField(default=list)
    read_at = models.DateTimeField(_("last read"), null=True)
    changed_at = models.DateTimeField(_("last change"), null=True)
    problem = models.TextField(_("can't be read because"), blank=True, default="")

    class Meta:
        verbose_name = _("reading of an ERP")
        verbose_name_plural = _("readings of ERPs")
        ordering = ["link", "pk"]
        constraints = [models.UniqueConstraint(fields=["link", "kind"], name="one_reading_per_kind")]

    def __str__(self) -> str:
        return self.kind


class Unread(Linked):
    """A record of the ERP that could not be taken, and why; it is tried again until it can, and then it is gone."""

    kind = models.CharField(_("what"), max_length=20)
    erp_key = models.CharField(_("key in the ERP"), max_length=80)
    field = models.CharField(_("field"), max_length=80, blank=True)
    sentence = models.TextField(_("not taken because"))
    since = models.DateTimeField(_("since"), db_default=Now())
    tried_at = models.DateTimeField(_("last tried"), db_default=Now())

    class Meta:
        verbose_name = _("record not taken")
        verbose_name_plural = _("records not taken")
        ordering = ["since", "pk"]
        constraints = [models.UniqueConstraint(fields=["link", "kind", "erp_key"], name="unread_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.erp_key}"


class ErpEmployee(Linked):
    """Somebody the ERP knows; who of ours that is, a person says. Without that no time of theirs goes there."""

    erp_key = models.CharField(_("key in the ERP"), max_length=80)
    name = models.CharField(_("name in the ERP"), max_length=200)
    active = models.BooleanField(_("in use"), default=True)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person here")
    )

    person_id: int | None

    class Meta:
        verbose_name = _("employee in the ERP")
        verbose_name_plural = _("employees in the ERP")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["link", "erp_key"], name="employee_once"),
            models.UniqueConstraint(fields=["link", "person"], name="employee_is_one_person"),
        ]

    def __str__(self) -> str:
        return self.name
