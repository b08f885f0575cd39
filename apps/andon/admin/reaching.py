"""The admin: which systems hear of exceptions, who was told, and what came of each attempt. No address is shown."""

from __future__ import annotations

import os

from django.contrib import admin
from django.forms import ModelForm, MultipleChoiceField
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.andon.actions import CONFIGURE
from apps.andon.feeds import FEEDS
from apps.andon.models import DeliveryAttempt, Notification, SiteWebhook
from apps.andon.models.outward import EXCEPTIONS
from apps.core.administration import ReadOnlyAdmin
from apps.plant.administration import PlacedAdmin, PlacedMixin


class SiteWebhookForm(ModelForm):  # type: ignore[type-arg]
    """Several may be ticked; none is a webhook that hears of nothing."""

    feeds = MultipleChoiceField(
        label=_("hears of"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=lambda: [(EXCEPTIONS, _("exceptions")), *((feed.code, feed.label) for feed in FEEDS.values())],
    )

    class Meta:
        model = SiteWebhook
        fields = ("site", "url", "secret_env", "feeds", "active")


@admin.register(SiteWebhook)
class SiteWebhookAdmin(PlacedAdmin):
    view_action = CONFIGURE
    change_action = CONFIGURE
    form = SiteWebhookForm
    list_display = ["site", "url", "secret_env", "feeds", "active", "waiting", "trouble"]
    list_select_related = ["site"]
    fields = ["site", "url", "secret_env", "feeds", "active"]

    @admin.display(description=_("waits to be sent"))
    def waiting(self, hook: SiteWebhook) -> int:
        return Notification.objects.queued().filter(webhook=hook).count()

    @admin.display(description=_("does not work because"))
    def trouble(self, hook: SiteWebhook) -> str:
        """Web and worker have the same environment; what the last attempt met comes after that."""
        if not os.environ.get(hook.secret_env):
            return _now("%(name)s is not set: set it and start again.") % {"name": hook.secret_env}
        last = DeliveryAttempt.objects.filter(notification__webhook=hook).first()
        return last.sentence if last and not last.worked else ""


class TellingAdmin(PlacedMixin, ReadOnlyAdmin):
    view_action = CONFIGURE
    change_action = None


@admin.register(Notification)
class NotificationAdmin(TellingAdmin):
    list_display = ["created_at", "site", "exception", "person", "webhook", "occasion", "story", "state", "channels"]
    list_filter = ["state", "occasion", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = [
        *("site", "person", "webhook__site", "exception__type", "exception__work_center"),
        *("exception__work_unit", "exception__area"),
    ]
    fields = [
        *("created_at", "site", "exception", "person", "webhook", "occasion", "level"),
        *("story", "news", "state", "channels", "failures", "due_at", "context"),
    ]


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(TellingAdmin):
    list_display = ["at", "notification", "channel", "worked", "answer", "sentence"]
    list_filter = ["worked", "channel"]
    list_select_related = ["notification__person", "notification__webhook__site"]
    fields = ["at", "notification", "channel", "worked", "answer", "sentence"]
