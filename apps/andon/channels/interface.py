from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChannelKind(models.TextChoices):
    BANNER = "banner", _("floor banner")
    LIGHT = "light", _("andon light")
    PUSH = "push", _("web push")
    EMAIL = "email", _("e-mail")
    WEBHOOK = "webhook", _("webhook")
    SMS = "sms", _("SMS")
