"""What a machine does, second by second, and the rules it is judged by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self, TypeVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.fields import TsTzRange
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.equipment.actions import VIEW_MACHINES
from apps.equipment.timeline import SAYABLE, MachineState, WordOf
from apps.plant.models import ReasonCode, within

# Evidence is kept by the minute, so a shorter silence could not be told from none.
LEAST_SILENCE_SECONDS = 60


M = TypeVar("M", bound=models.Model)


class AtUnitQuerySet(models.QuerySet[M]):
    """Rows that stand at a work unit."""

    def visible_to(self, actor: Actor, action: Action = VIEW_MACHINES) -> Self:
        return self.filter(within(rights.places(actor, action), "work_unit__work_center"))


class Machine(models.Model):
    """How a work unit is judged; one without a row goes by the defaults.

    micro_stop_seconds   a stop shorter than this is no downtime: no question, the operation runs on
    silence_seconds      the last signal holds for so long, then nothing is known; None: it reports changes only
    raises_exceptions    a downtime calls somebody, when a rule says so
    asks_for_maintenance  and with the exception there is a request for maintenance
    quiet_reasons        reasons that ask for nobody, say a planned cleaning
    clock_skew_seconds   so far ahead may the clock of its signals be: they count as of now; beyond, they are kept out
    oldest_hours         signals older than this are kept out
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", editable=False, verbose_name=_("site"))
    work_unit = models.OneToOneField(
        "plant.WorkUnit", models.PROTECT, related_name="machine", verbose_name=_("work unit")
    )
    micro_stop_seconds = models.PositiveIntegerField(
        _("a stop counts from"), default=120, help_text=_("Seconds. A shorter one is a loss of speed.")
    )
    silence_seconds = models.PositiveIntegerField(
        _("no data after"),
        default=300,
        null=True,
        blank=True,
        validators=[MinValueValidator(LEAST_SILENCE_SECONDS)],
        help_text=_("Seconds without any signal. Empty: the machine reports changes only."),
    )
    raises_exceptions = models.BooleanField(
        _("a downtime calls somebody"), default=True, help_text=_("When, the rules say: “Machine stands”.")
    )
    asks_for_maintenance = models.BooleanField(_("a downtime that calls somebody asks for maintenance"), default=True)
    quiet_reasons = models.ManyToManyField(
        ReasonCode, blank=True, related_name="+", verbose_name=_("reasons that call nobody")
    )
    expected_cycle_seconds = models.DecimalField(
        _("expected cycle"), max_digits=12, decimal_places=6, null=True, blank=True, help_text=_("Seconds per piece.")
    )
    clock_skew_seconds = models.PositiveIntegerField(_("clock may be ahead by"), default=5, help_text=_("Seconds."))
    oldest_hours = models.PositiveIntegerField(
        _("oldest signal"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 14)],
        help_text=_("Hours."),
    )

    site_id: int
    work_unit_id: int
    objects = AtUnitQuerySet["Machine"].as_manager()
    history = History()

    class Meta:
        verbose_name = _("machine")
        verbose_name_plural = _("machines")
        ordering = ["work_unit"]
        constraints = [
            models.CheckConstraint(
                condition=Q(silence_seconds=None) | Q(silence_seconds__gte=LEAST_SILENCE_SECONDS),
                name="machine_silence_can_be_told",
            ),
            models.CheckConstraint(
                condition=Q(expected_cycle_seconds=None) | Q(expected_cycle_seconds__gt=0),
                name="machine_cycle_positive",
            ),
            models.CheckConstraint(condition=Q(micro_stop_seconds__gte=1), name="machine_micro_stop_positive"),
            models.CheckConstraint(
                condition=Q(oldest_hours__gte=1, oldest_hours__lte=24 * 14), name="machine_oldest_bounded"
            ),
        ]

    def __str__(self) -> str:
        return str(self.work_unit)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.site_id = self.work_unit.site_id
        super().save(*args, **kwargs)

    @property
    def scope(self) -> Scope:
        return self.work_unit.scope

    @property
    def silence(self) -> timedelta | None:
        return None if self.silence_seconds is None else timedelta(seconds=self.silence_seconds)

    @property
    def micro_stop(self) -> timedelta:
        return timedelta(seconds=self.micro_stop_seconds)


class MachineNow(models.Model):
    """What a machine does now, and what is to be looked at when; its lock is that of the machine.

    last_word_at   the latest time that a state was reported for        heard_until  the latest of any signal
    silent_at      when nothing is known any more unless a signal comes
    look_from      stops from here on are to be looked at again; None: all is done
    stop_due_at    when the stop that goes on becomes a downtime
    """

    work_unit = models.OneToOneField("plant.WorkUnit", models.PROTECT, related_name="machine_now", primary_key=True)
    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=12, choices=MachineState.choices, default=MachineState.NO_DATA)
    word_of = models.CharField(max_length=6, choices=WordOf.choices, default=WordOf.RULE)
    since = models.DateTimeField(_("since"), null=True)
    last_word_at = models.DateTimeField(null=True)
    heard_until = models.DateTimeField(_("last signal"), null=True)
    silent_at = models.DateTimeField(null=True)
    stop_since = models.DateTimeField(null=True)
    look_from = models.DateTimeField(null=True)
    stop_due_at = models.DateTimeField(null=True)

    site_id: int
    work_unit_id: int
    objects = AtUnitQuerySet["MachineNow"].as_manager()

    class Meta:
        verbose_name = _("state of a machine now")
        verbose_name_plural = _("states of machines now")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=MachineState.values), name="machine_now_state_known"),
        ]
        indexes = [
            models.Index(fields=["silent_at"], name="machine_silent", condition=Q(silent_at__isnull=False)),
            models.Index(fields=["look_from"], name="machine_look", condition=Q(look_from__isnull=False)),
            models.Index(fields=["stop_due_at"], name="machine_stop_due", condition=Q(stop_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.state}"


class StateInterval(models.Model):
    """One state of a machine, [started_at, ended_at); the one that goes on has no end.

    Worked out from the words below (apps.equipment.timeline), again whenever one comes late: nobody types it.
    From the first word on they follow one another without a gap.
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, related_name="state_intervals")
    state = models.CharField(_("state"), max_length=12, choices=MachineState.choices)
    word_of = models.CharField(_("known from"), max_length=6, choices=WordOf.choices)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    site_id: int
    work_unit_id: int
    objects = AtUnitQuerySet["StateInterval"].as_manager()

    class Meta:
        verbose_name = _("machine state")
        verbose_name_plural = _("machine states")
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=MachineState.values), name="state_interval_state_known"),
            models.CheckConstraint(condition=Q(word_of__in=WordOf.values), name="state_interval_word_known"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")), name="state_interval_ends_after_start"
            ),
            models.UniqueConstraint(fields=["work_unit", "started_at"], name="state_interval_start"),
            models.UniqueConstraint(fields=["work_unit"], condition=Q(ended_at=None), name="state_interval_open_once"),
            ExclusionConstraint(
                name="state_interval_no_overlap",
                expressions=[
                    (TsTzRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
                    ("work_unit", RangeOperators.EQUAL),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.state} {self.started_at:%Y-%m-%d %H:%M:%S}"


class StateWord(models.Model):
    """Somebody or something said that the machine is in this state from `at` on. Said twice it is one word."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=MachineState.choices)
    word_of = models.CharField(max_length=6, choices=WordOf.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SAYABLE),
                name="state_word_state_known",
            ),
            models.CheckConstraint(condition=Q(word_of__in=WordOf.values), name="state_word_of_known"),
            models.UniqueConstraint(fields=["work_unit", "at", "state", "word_of"], name="state_word_once"),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.state} {self.at:%Y-%m-%d %H:%M:%S}"


class HeardMinute(models.Model):
    """That a machine was heard of within a minute: the first and the last time, whatever the signal said."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, related_name="+")
    minute = models.DateTimeField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work_unit", "minute"], name="heard_minute_once"),
            models.CheckConstraint(
                condition=Q(first_at__gte=F("minute"), last_at__gte=F("first_at")), name="heard_minute_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.minute:%Y-%m-%d %H:%M}"
