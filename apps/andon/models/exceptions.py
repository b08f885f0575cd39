"""What needs a person: one row per cause, never without an owner; and the clocks that run on it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.andon.actions import VIEW_EXCEPTIONS
from apps.andon.causes import CauseKind, cause_kind
from apps.andon.models.types import ExceptionType, Impact, Severity
from apps.core import rights
from apps.core.actors import Actor
from apps.core.events import Story
from apps.core.fields import TsTzRange
from apps.core.prepared import Given, Prepared
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.models.places import ids
from apps.workflows.models import WorkflowItem, workflow_triggers


class ExceptionStatus(models.TextChoices):
    """Fixed in code. All but the last are open: the cause may not be raised a second time."""

    OPEN = "open", _("open")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    IN_PROGRESS = "in_progress", _("in progress")
    SNOOZED = "snoozed", _("snoozed")
    RESOLVED = "resolved", _("resolved")
    CLOSED = "closed", _("closed")


# Wakes what shows the state of the lines to lamps.
LIGHTS_TOPIC = "andon:lights"
ANSWERED = frozenset({ExceptionStatus.ACKNOWLEDGED, ExceptionStatus.IN_PROGRESS})
NOT_DONE = frozenset({ExceptionStatus.OPEN, *ANSWERED, ExceptionStatus.SNOOZED})


class OwnerLevel(models.TextChoices):
    """Why somebody owns it: the way of A2, or a person's own act."""

    RULE = "rule", _("owner rule")
    SUPERVISOR = "supervisor", _("shift supervisor")
    MANAGER = "manager", _("plant duty manager")
    DEFAULT = "default", _("owner when nobody is on duty")
    TAKEN = "taken", _("took it")
    GIVEN = "given", _("was given it")


class FloorExceptionQuerySet(models.QuerySet["FloorException"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_EXCEPTIONS) -> Self:
        """Those at the places for which the actor holds `action`; one of a whole site only for the site."""
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        return self.filter(
            Q(site__in=ids(places, "site")) | Q(area__in=ids(places, "area")) | Q(work_center__in=ids(places, "line"))
        )

    def open(self) -> Self:
        """Whose cause may not be raised a second time: resolved ones are among them until they are closed."""
        return self.filter(closed_at=None)

    def not_done(self) -> Self:
        return self.filter(status__in=NOT_DONE)

    def most_urgent_first(self) -> Self:
        """By the nearest deadline: what it will hit, or its own clocks."""
        return self.order_by(F("deadline_at").asc(nulls_last=True), "severity", "raised_at", "pk")


class FloorException(WorkflowItem):
    """
    cause_kind, cause_key  what it is about, for the app that raised it: ("shortage", "12"); one open one for each
    recurs_as       what makes it the same again when it happens again; "": not known yet
    facts           for the sentence, by the cause kind: {"item": "MS-40", "short": "4"}
    hits_at         when the first operation, commitment or shipment is hit; None: nothing known
    deadline_at     the nearest of `hits_at` and the clocks that run
    owner_role      code of the duty role by which the owner was found; "" for a person's own act
    round           the plan of its timers; a timer of an older plan does nothing
    next_step       step of the escalation policy that comes next; `level`: the highest reached, 0 the owner alone
    *_warned        percent of the clock of which the owner was warned already
    arrives_at      the owner is on the way, and said when
    parent          one cause with many effects: the parent is paged, its children follow
    """

    type = models.ForeignKey(ExceptionType, models.PROTECT, related_name="exceptions", verbose_name=_("type"))
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices)
    impact = models.CharField(_("impact"), max_length=10, choices=Impact.choices)
    policy_version = models.ForeignKey("andon.PolicyVersion", models.PROTECT, related_name="+")
    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    area = models.ForeignKey("plant.Area", models.PROTECT, null=True, related_name="+", verbose_name=_("area"))
    work_center = models.ForeignKey(
        "plant.WorkCenter", models.PROTECT, null=True, related_name="+", verbose_name=_("line")
    )
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("station")
    )
    cause_kind = models.CharField(_("cause"), max_length=30)
    cause_key = models.CharField(max_length=80)
    recurs_as = models.CharField(max_length=80, blank=True)
    facts = models.JSONField(default=dict)
    thread = models.CharField(_("story"), max_length=80, blank=True)
    work_order_id = models.BigIntegerField(_("work order"), null=True)
    lot_id = models.BigIntegerField(_("lot"), null=True)
    erp_reference = models.CharField(_("order"), max_length=80, blank=True)

    raised_at = models.DateTimeField(_("since"))
    raised_by = models.ForeignKey("plant.Person", models.PROTECT, null=True, related_name="+")
    terminal_id = models.BigIntegerField(_("terminal"), null=True)
    cause_ended_at = models.DateTimeField(_("cause gone"), null=True)
    hits_at = models.DateTimeField(_("first hit"), null=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True)

    owner = models.ForeignKey("plant.Person", models.PROTECT, related_name="exceptions", verbose_name=_("owner"))
    owner_level = models.CharField(max_length=10, choices=OwnerLevel.choices)
    owner_role = models.CharField(max_length=40, blank=True)
    owner_since = models.DateTimeField()
    accept_by = models.DateTimeField(_("to be accepted by"), null=True)

    round = models.PositiveIntegerField(default=0)
    ladder_started_at = models.DateTimeField()
    next_step = models.PositiveIntegerField(default=0)
    level = models.PositiveIntegerField(_("level"), default=0)
    response_warned = models.PositiveSmallIntegerField(default=0)
    resolution_warned = models.PositiveSmallIntegerField(default=0)
    response_breached_at = models.DateTimeField(_("answered too late"), null=True)
    resolution_breached_at = models.DateTimeField(_("resolved too late"), null=True)
    reminded = models.PositiveIntegerField(default=0)

    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    progress_at = models.DateTimeField(_("last progress"), null=True)
    arrives_at = models.DateTimeField(_("arrives"), null=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    resolution = models.ForeignKey(
        "plant.ReasonCode", models.PROTECT, null=True, related_name="+", verbose_name=_("resolution")
    )
    cause_reason = models.ForeignKey(
        "plant.ReasonCode", models.PROTECT, null=True, related_name="+", verbose_name=_("cause")
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children", verbose_name=_("part of"))
    problem = models.ForeignKey(
        "andon.Problem", models.PROTECT, null=True, related_name="cases", verbose_name=_("problem")
    )

    site_id: int
    area_id: int | None
    work_center_id: int | None
    work_unit_id: int | None
    owner_id: int
    type_id: int
    parent_id: int | None
    policy_version_id: int
    objects = FloorExceptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        ordering = ["-raised_at", "-pk"]
        triggers = workflow_triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["site", "cause_kind", "cause_key"],
                condition=Q(closed_at=None),
                name="one_open_exception_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False) | ~Q(status="closed") & Q(closed_at=None),
                name="closed_exception_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="snoozed") | Q(snoozed_until__isnull=False), name="snooze_has_an_end"
            ),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("id")), name="exception_not_its_own_parent"),
        ]
        indexes = [
            models.Index(fields=["site", "status"], name="exception_open_at_site", condition=Q(closed_at=None)),
            models.Index(fields=["owner"], name="exception_open_of_owner", condition=Q(closed_at=None)),
            models.Index(fields=["work_center"], name="exception_open_at_line", condition=Q(closed_at=None)),
            models.Index(fields=["site", "cause_kind", "recurs_as", "raised_at"], name="exception_by_recurrence"),
            models.Index(fields=["type", "raised_at"], name="exception_by_type"),
        ]

    def __str__(self) -> str:
        return self.headline

    @property
    def cause(self) -> CauseKind:
        return cause_kind(self.cause_kind)

    @property
    def headline(self) -> str:
        """What it is, in three words: "T34 stopped"."""
        return self.cause.headline(self)

    @property
    def sentence(self) -> str:
        """What is the matter, for somebody who has to act: "4 pcs of MS-40 are short."."""
        return self.cause.told([self])[self.pk]

    @property
    def scope(self) -> Scope:
        if self.work_center:
            return self.work_center.scope
        return self.area.scope if self.area else self.site.scope

    @property
    def story(self) -> Story:
        return Story(site_id=self.site_id, thread=self.thread, erp_reference=self.erp_reference)

    @property
    def is_answered(self) -> bool:
        return self.status in ANSWERED

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def own_topics(self) -> set[str]:
        topics = {LIGHTS_TOPIC, f"andon:{self.site_id}", f"exception:{self.pk}", f"person:{self.owner_id}"}
        return topics | topics_at(self.work_center_id, self.work_unit_id)

    @property
    def topics(self) -> set[str]:
        """And of the places of what it has gathered: it is shown there in their stead. One query, none for a child."""
        if self.parent_id is not None:
            return self.own_topics
        return self.own_topics.union(*(topics_at(*place) for place in _GATHERED(parent=self.pk)))


def topics_at(work_center_id: int | None, work_unit_id: int | None) -> set[str]:
    places = {"line": work_center_id, "station": work_unit_id}
    return {f"{kind}:{pk}" for kind, pk in places.items() if pk}


_GATHERED = Prepared(
    lambda: (
        FloorException.objects.open()
        .filter(parent=Given("parent"))
        .order_by()
        .values_list("work_center_id", "work_unit_id")
        .distinct()
    )
)


class Clock(models.TextChoices):
    RESPONSE = "response", _("to answer")
    RESOLUTION = "resolution", _("to resolve")


class ClockIntervalQuerySet(models.QuerySet["ClockInterval"]):
    def running(self) -> Self:
        return self.filter(ended_at=None)


class ClockInterval(models.Model):
    """A clock of an exception ran, or was paused, [started_at, ended_at).

    What has elapsed is worked out from these and the calendar (apps.andon.sla), never counted.
    """

    exception = models.ForeignKey(FloorException, models.PROTECT, related_name="clock_intervals")
    clock = models.CharField(max_length=10, choices=Clock.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_pause = models.BooleanField(default=False)
    pause_reason = models.ForeignKey("plant.ReasonCode", models.PROTECT, null=True, related_name="+")
    pause_until = models.DateTimeField(null=True)

    exception_id: int
    objects = ClockIntervalQuerySet.as_manager()

    class Meta:
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        ordering = ["exception", "clock", "started_at"]
        constraints = [
            models.CheckConstraint(condition=Q(clock__in=Clock.values), name="clock_known"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="clock_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(is_pause=False, pause_reason=None, pause_until=None)
                | Q(is_pause=True, pause_reason__isnull=False, pause_until__isnull=False),
                name="clock_pauses_with_reason_and_end",
            ),
            models.UniqueConstraint(fields=["exception", "clock"], condition=Q(ended_at=None), name="clock_open_once"),
            ExclusionConstraint(
                name="clock_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("exception", RangeOperators.EQUAL),
                    ("clock", RangeOperators.EQUAL),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.exception_id} {self.clock} {self.started_at:%H:%M}"

    def end(self, at: datetime) -> None:
        self.ended_at = max(at, self.started_at)
        self.save(update_fields=["ended_at"])
