"""Systems of the plant that are told of exceptions, and the key by which push services know the plant."""

from __future__ import annotations

import re
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.actions import CONFIGURE
from apps.andon.channels import guard
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.plant.models import Site

# Beside the feeds of the apps above.
EXCEPTIONS = "exceptions"
SECRET_NAME = r"^MFGOS_WEBHOOK_SECRET[A-Z0-9_]*$"  # noqa: S105  # a name of variables


class SiteWebhookQuerySet(models.QuerySet["SiteWebhook"]):
    def visible_to(self, actor: Actor, action: Action = CONFIGURE) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


def only_exceptions() -> list[str]:
    return [EXCEPTIONS]


class SiteWebhook(models.Model):
    """Is told of each exception of the site (raised, escalated, resolved), and of what else it has asked for. No secret
    lives here: what signs the calls is in the environment of the worker.

    feeds   codes of `apps.andon.feeds`, and EXCEPTIONS
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    url = models.URLField(_("address"), max_length=500)
    secret_env = models.CharField(
        _("environment variable with the secret"), max_length=80, default="MFGOS_WEBHOOK_SECRET"
    )
    feeds = ArrayField(models.CharField(max_length=30), default=only_exceptions, verbose_name=_("hears of"))
    active = models.BooleanField(_("in use"), default=True)

    site_id: int
    objects = SiteWebhookQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("webhook of a site")
        verbose_name_plural = _("webhooks of sites")
        ordering = ["site", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["site", "url"], condition=Q(active=True), name="webhook_once_per_site"),
            models.CheckConstraint(condition=Q(secret_env__regex=SECRET_NAME), name="webhook_secret_env_name"),
        ]

    def __str__(self) -> str:
        return f"{self.site} {self.pk}"

    def clean(self) -> None:
        try:
            guard.target(self.url)
        except guard.ForbiddenError as error:
            raise ValidationError({"url": str(error)}) from None
        if not re.fullmatch(SECRET_NAME, self.secret_env):
            sentence = _("Name a variable that begins with MFGOS_WEBHOOK_SECRET, in capitals; not the secret itself.")
            raise ValidationError({"secret_env": sentence})

    @property
    def scope(self) -> Scope:
        return self.site.scope


class PushKey(models.Model):
    """The plant's own, sealed with SECRET_KEY; one in the environment comes before it. No history: a secret."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sealed = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("push key")
        verbose_name_plural = _("push keys")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_push_key")]

    def __str__(self) -> str:
        return f"{self.made_at:%Y-%m-%d}"
