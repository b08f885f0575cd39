"""Who was told what, by which channel, and what came of it; who else must know, and what they said."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.channels.interface import ChannelKind
from apps.andon.models.exceptions import FloorException
from apps.andon.models.timers import Timer


class Occasion(models.TextChoices):
    """Why somebody is told."""

    RAISED = "raised", _("is yours")
    STEP = "step", _("nobody has answered")
    WARNING = "warning", _("time runs out")
    REMINDER = "reminder", _("how is it going?")
    HANDOVER = "handover", _("handed over to you")
    INFORMED = "informed", _("you should know")
    GIVEN = "given", _("was given to you")
    TEST = "test", _("test")


class NoticeState(models.TextChoices):
    """LISTED: over the number of pages; it stands in the list. FAILED: no channel of the person worked."""

    QUEUED = "queued", _("to be sent")
    SENT = "sent", _("sent")
    LISTED = "listed", _("listed")
    FAILED = "failed", _("not reached")


class NotificationQuerySet(models.QuerySet["Notification"]):
    def queued(self) -> Self:
        return self.filter(state=NoticeState.QUEUED)


class Notification(models.Model):
    """One person is told once, by the first of `channels` that works; beside it the floor's banner always shows it."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    exception = models.ForeignKey(FloorException, models.PROTECT, null=True, related_name="notifications")
    person = models.ForeignKey("plant.Person", models.PROTECT, related_name="notifications")
    timer = models.ForeignKey(Timer, models.PROTECT, null=True, related_name="notifications")
    occasion = models.CharField(max_length=10, choices=Occasion.choices)
    level = models.PositiveIntegerField(default=0)
    channels = ArrayField(models.CharField(max_length=10, choices=ChannelKind.choices), default=list)
    tried = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=7, choices=NoticeState.choices, default=NoticeState.QUEUED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    exception_id: int | None
    person_id: int
    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["timer", "person", "occasion"], condition=Q(timer__isnull=False), name="told_once_by_a_timer"
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="notification_queued", condition=Q(state="queued")),
            models.Index(fields=["person", "created_at"], name="notification_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.occasion} {self.person_id}"


class DeliveryAttempt(models.Model):
    """`answer` is what the other side said; `sentence` why it did not work."""

    notification = models.ForeignKey(Notification, models.PROTECT, related_name="attempts")
    channel = models.CharField(max_length=10, choices=ChannelKind.choices)
    at = models.DateTimeField()
    worked = models.BooleanField()
    answer = models.CharField(max_length=200, blank=True)
    sentence = models.CharField(max_length=400, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("delivery log")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.channel} {self.worked}"


class PersonChannel(models.Model):
    """How a person is reached, in the order of `position`. The address is personal: no history, erasable.

    proven_at  when the person last said that a test message arrived
    """

    person = models.ForeignKey("plant.Person", models.CASCADE, related_name="channels", verbose_name=_("person"))
    kind = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices)
    address = models.JSONField(_("address"), default=dict)
    position = models.PositiveSmallIntegerField(_("order"), default=1)
    proven_at = models.DateTimeField(_("proven"), null=True)
    broken_at = models.DateTimeField(_("does not exist any more"), null=True)

    person_id: int

    class Meta:
        verbose_name = _("channel of a person")
        verbose_name_plural = _("channels of people")
        ordering = ["person", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind}"


class Informed(models.Model):
    """Somebody who must know, besides the owner: by role, or because they raised it a second time."""

    exception = models.ForeignKey(FloorException, models.PROTECT, related_name="informed")
    person = models.ForeignKey("plant.Person", models.PROTECT, related_name="+")
    role = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("informed")
        verbose_name_plural = _("informed")
        constraints = [models.UniqueConstraint(fields=["exception", "person"], name="informed_once")]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.person_id}"

    exception_id: int
    person_id: int


class Remark(models.Model):
    """What somebody said in the thread of an exception. Free text: erasable, no history."""

    exception = models.ForeignKey(FloorException, models.PROTECT, related_name="remarks")
    person = models.ForeignKey("plant.Person", models.PROTECT, null=True, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    exception_id: int
    person_id: int | None

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.at:%H:%M}"
