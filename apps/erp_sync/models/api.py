"""Who may send, what was answered to them, and what was not taken."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.erp_sync.api.actions import MANAGE_TOKENS
from apps.plant.models import Site


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def in_force(self, at: datetime) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=at)

    def visible_to(self, actor: Actor, action: Action = MANAGE_TOKENS) -> Self:
        """Those of a site for who holds the action there; those of all sites for who holds it everywhere."""
        if EVERYWHERE & rights.places(actor, action):
            return self
        return self.filter(site__in=Site.objects.held_by(actor, action))


class ApiToken(models.Model):
    """What another system proves itself with; the secret is shown once, its hash is kept.

    site    None: all sites                 prefix  how the secret begins, to recognise it by
    scopes  "items:write", "items:read", ... (apps.erp_sync.api.scopes)
    """

    name = models.CharField(_("name"), max_length=36)
    site = models.ForeignKey(
        "plant.Site", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site")
    )
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)
    created_by_id = models.BigIntegerField(_("created by"), null=True, editable=False)

    site_id: int | None
    # Only in memory, from the creation to the page that shows it once.
    fresh_secret: str = ""
    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(revoked_at=None), name="api_token_name_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="api_token_expires_later"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        return self.site.scope if self.site else EVERYWHERE


class ApiCall(models.Model):
    """A write that was answered: the same key gets this answer again. Not for answers of 500 and above."""

    token = models.ForeignKey(ApiToken, models.PROTECT, related_name="+")
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=400)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("answered call")
        verbose_name_plural = _("answered calls")
        constraints = [
            models.UniqueConstraint(fields=["token", "method", "path", "key"], name="api_call_once"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RefusedMessageQuerySet(models.QuerySet["RefusedMessage"]):
    def visible_to(self, actor: Actor, action: Action = MANAGE_TOKENS) -> Self:
        return self.filter(token__in=ApiToken.objects.visible_to(actor, action))


class RefusedMessage(models.Model):
    """What was sent and not taken, for a person to look at; `body` holds its beginning only."""

    token = models.ForeignKey(ApiToken, models.PROTECT, related_name="+", verbose_name=_("token"))
    method = models.CharField(_("method"), max_length=8)
    path = models.CharField(_("address"), max_length=400)
    status = models.PositiveSmallIntegerField(_("status"))
    body = models.TextField(_("content"), blank=True)
    problem = models.JSONField(_("problem"))
    received_at = models.DateTimeField(_("received"), db_default=Now())

    objects = RefusedMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("refused message")
        verbose_name_plural = _("refused messages")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["token", "-received_at"], name="refused_message_of_token")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"
