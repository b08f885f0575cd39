"""Who was told what, by which channel, and what came of it; who else must know, and what they said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.andon.actions import CONFIGURE
from apps.andon.channels.interface import ChannelKind
from apps.andon.models.exceptions import FloorException
from apps.andon.models.timers import Timer
from apps.andon.models.types import Severity
from apps.core.actors import Actor
from apps.core.rights import Action
from apps.plant.models import Site

# A channel of which nobody has said for so long that it works is shown.
PROOF_DAYS = 30


class Occasion(models.TextChoices):
    """Why somebody is told."""

    RAISED = "raised", _("is yours")
    STEP = "step", _("nobody has answered")
    WARNING = "warning", _("time runs out")
    REMINDER = "reminder", _("how is it going?")
    HANDOVER = "handover", _("handed over to you")
    INFORMED = "informed", _("you should know")
    GIVEN = "given", _("was given to you")
    REMARK = "remark", _("somebody has written")
    RING = "ring", _("is rung for again")
    RESOLVED = "resolved", _("is resolved")
    TEST = "test", _("test")
    NEWS = "news", _("news")


class NoticeState(models.TextChoices):
    """LISTED: over the number of pages; it stands in the list. OVERTAKEN: by the time it could be sent, somebody had
    answered. FAILED: none of the person's own channels worked, the banner is all there is.
    """

    QUEUED = "queued", _("to be sent")
    SENT = "sent", _("sent")
    LISTED = "listed", _("listed")
    OVERTAKEN = "overtaken", _("overtaken")
    FAILED = "failed", _("not reached")


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, actor: Actor, action: Action = CONFIGURE) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))

    def of_people(self) -> Self:
        return self.filter(webhook=None)

    def pages(self) -> Self:
        """What rang at somebody's, or is about to; not what they asked for themselves, nor what others write, nor news:
        a long talk must not keep anybody from being called.
        """
        silent = (NoticeState.LISTED, NoticeState.OVERTAKEN)
        return self.exclude(state__in=silent).exclude(occasion__in=(Occasion.TEST, Occasion.REMARK, Occasion.NEWS))

    def queued(self) -> Self:
        return self.filter(state=NoticeState.QUEUED)


class Notification(models.Model):
    """One person is told once, by the first of `channels` that works; beside it the floor's banner always shows it.
    Or, with `webhook` instead of a person, a system of the plant.

    channel    of a test: the one address that is tested
    severity   of the exception when it was told: what is most severe goes first; a test is awaited
    tried      so many of `channels` have failed: the next one, `way`, has this index
    failures   of the present channel, where it is tried again
    context    what it meant to the person, by their role, as it was told (apps.andon.concerns); names of people never
    lease_*    a worker is at it
    news       what a system hears of besides exceptions, as it was when it happened (`apps.andon.feeds.News`)
    story      to which the news belongs: within one, the next is sent when the one before has been taken
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    exception = models.ForeignKey(FloorException, models.PROTECT, null=True, related_name="notifications")
    person = models.ForeignKey("plant.Person", models.PROTECT, null=True, related_name="notifications")
    webhook = models.ForeignKey("andon.SiteWebhook", models.PROTECT, null=True, related_name="notifications")
    channel = models.ForeignKey("andon.PersonChannel", models.SET_NULL, null=True, related_name="tests")
    timer = models.ForeignKey(Timer, models.PROTECT, null=True, related_name="notifications")
    occasion = models.CharField(max_length=10, choices=Occasion.choices)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.CRITICAL)
    level = models.PositiveIntegerField(default=0)
    news = models.JSONField(null=True)
    story = models.CharField(max_length=80, blank=True)
    channels = ArrayField(models.CharField(max_length=10, choices=ChannelKind.choices), default=list)
    tried = models.PositiveSmallIntegerField(default=0)
    way = models.GeneratedField(
        expression=models.Func("channels", "tried", template="(%(expressions)s]", arg_joiner=")[1 + "),
        output_field=models.CharField(max_length=10),
        db_persist=True,
        null=True,
    )
    failures = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=NoticeState.choices, default=NoticeState.QUEUED)
    context = ArrayField(models.TextField(), default=list, blank=True, verbose_name=_("as it was told"))
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    seen_at = models.DateTimeField(null=True)

    exception_id: int | None
    person_id: int | None
    webhook_id: int | None
    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["timer", "person", "occasion"], condition=Q(timer__isnull=False), name="told_once_by_a_timer"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, webhook=None) | Q(person=None, webhook__isnull=False),
                name="notification_tells_a_person_or_a_system",
            ),
            models.CheckConstraint(
                condition=Q(news__isnull=True, story="") | Q(news__isnull=False, exception=None) & ~Q(story=""),
                name="news_is_about_no_exception",
            ),
            models.CheckConstraint(
                condition=~Q(state="queued") | Q(tried__lt=F("channels__len")), name="queued_notification_has_a_way"
            ),
            models.CheckConstraint(
                condition=Q(leased_until=None, lease_token=None)
                | Q(state="queued", leased_until__isnull=False, lease_token__isnull=False),
                name="notification_lease_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["way", "severity", "due_at", "id"], name="notification_queued", condition=Q(state="queued")
            ),
            models.Index(fields=["person", "created_at"], name="notification_of_person"),
            models.Index(
                fields=["webhook", "story", "id"], name="news_queued", condition=Q(state="queued") & ~Q(story="")
            ),
            models.Index(fields=["site", "created_at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.occasion} {self.person_id or self.webhook}"

    @property
    def key(self) -> str:
        """By which whoever is told twice knows that it is the same."""
        return f"notification:{self.pk}"

    @property
    def topics(self) -> set[str]:
        topics = {f"person:{self.person_id}"} if self.person_id else set()
        return topics | ({f"exception:{self.exception_id}"} if self.exception_id else set())


class DeliveryAttemptQuerySet(models.QuerySet["DeliveryAttempt"]):
    def visible_to(self, actor: Actor, action: Action = CONFIGURE) -> Self:
        return self.filter(notification__site__in=Site.objects.visible_to(actor, action))


class DeliveryAttempt(models.Model):
    """`answer` is what the other side said; `sentence` why it did not work."""

    notification = models.ForeignKey(Notification, models.PROTECT, related_name="attempts")
    address = models.ForeignKey("andon.PersonChannel", models.SET_NULL, null=True, related_name="attempts")
    channel = models.CharField(max_length=10, choices=ChannelKind.choices)
    at = models.DateTimeField()
    worked = models.BooleanField()
    answer = models.CharField(max_length=200, blank=True)
    sentence = models.CharField(max_length=400, blank=True)

    objects = DeliveryAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("delivery log")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.channel} {self.worked}"


class PersonChannelQuerySet(models.QuerySet["PersonChannel"]):
    def usable(self) -> Self:
        return self.filter(broken_at=None).order_by("position", "pk")

    def unproven(self, at: datetime) -> Self:
        """Nobody has said within PROOF_DAYS that something arrived there."""
        since = at - timedelta(days=PROOF_DAYS)
        return self.filter(Q(proven_at=None) | Q(proven_at__lt=since))


class PersonChannel(models.Model):
    """How a person is reached, in the order of `position`. The address is personal: no history, erasable.

    address    what `apps.andon.channels.interface.Address` takes for the kind
    proven_at  when the person last said that a test message arrived
    guesses    wrong codes typed since the last test
    """

    person = models.ForeignKey("plant.Person", models.CASCADE, related_name="channels", verbose_name=_("person"))
    kind = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices)
    address = models.JSONField(_("address"), default=dict)
    position = models.PositiveSmallIntegerField(_("order"), default=1)
    proven_at = models.DateTimeField(_("proven"), null=True)
    broken_at = models.DateTimeField(_("does not exist any more"), null=True)
    guesses = models.PositiveSmallIntegerField(default=0)

    person_id: int
    objects = PersonChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel of a person")
        verbose_name_plural = _("channels of people")
        ordering = ["person", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "address"], name="address_of_a_person_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["push", "email", "webhook", "sms"]), name="address_of_a_kind_that_has_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind}"

    def is_proven(self, at: datetime) -> bool:
        return self.proven_at is not None and self.proven_at >= at - timedelta(days=PROOF_DAYS)


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
