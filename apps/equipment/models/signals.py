"""Where signals come from, what they mean, and what is kept of them."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.equipment.actions import VIEW_MACHINES
from apps.equipment.timeline import SAYABLE
from apps.plant.models import Purpose, ReasonCode, Site
from apps.plant.models.places import code_is_plain, validate_code

M = TypeVar("M", bound=models.Model)


class AtSiteQuerySet(models.QuerySet[M]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MACHINES) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class Transport(models.TextChoices):
    REST = "rest", _("REST: they are posted to us")
    MQTT = "mqtt", _("MQTT broker")
    OPC_UA = "opc_ua", _("OPC UA server")


class SignalSource(models.Model):
    """A broker, a server or a gateway that signals come from.

    address       mqtt://host:1883, mqtts://host:8883, opc.tcp://host:4840; empty for REST
    topics        of a broker: what is subscribed to; nothing else is listened to
    password_env  names a variable of the worker's environment; the password itself is in no table
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=40, validators=[validate_code])
    transport = models.CharField(_("transport"), max_length=6, choices=Transport.choices)
    address = models.CharField(_("address"), max_length=200, blank=True)
    topics = models.JSONField(
        _("topics"), default=list, blank=True, help_text=_('Of a broker: ["plant/+/state", "plant/#"]')
    )
    user = models.CharField(_("user"), max_length=80, blank=True)
    password_env = models.CharField(
        _("variable with the password"),
        max_length=80,
        blank=True,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*$", _("The name of an environment variable, in capitals."))],
    )
    active = models.BooleanField(_("in use"), default=True)
    # How it goes, written by who listens.
    connected_at = models.DateTimeField(_("connected"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=400, blank=True, editable=False)
    last_heard_at = models.DateTimeField(_("last signal"), null=True, editable=False)
    recent = models.JSONField(_("last signals"), default=list, editable=False)

    site_id: int
    objects = AtSiteQuerySet["SignalSource"].as_manager()
    history = History(excluded_fields=["connected_at", "last_error", "last_heard_at", "recent"])

    class Meta:
        verbose_name = _("signal source")
        verbose_name_plural = _("signal sources")
        ordering = ["site", "code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="signal_source_code_once_per_site"),
            models.CheckConstraint(condition=Q(transport__in=Transport.values), name="signal_source_transport_known"),
            models.CheckConstraint(
                condition=Q(transport=Transport.REST) | ~Q(address=""), name="signal_source_has_address"
            ),
            code_is_plain("signal_source_code_plain"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        schemes = {Transport.MQTT: ("mqtt://", "mqtts://"), Transport.OPC_UA: ("opc.tcp://",)}
        wanted = schemes.get(Transport(self.transport), ()) if self.transport in Transport.values else ()
        if wanted and not self.address.startswith(wanted):
            raise ValidationError({"address": _now("It begins with %(begin)s.") % {"begin": wanted[0]}})
        if not isinstance(self.topics, list) or not all(isinstance(topic, str) and topic for topic in self.topics):
            raise ValidationError({"topics": _now('Write topics as ["plant/+/state", "plant/#"].')})

    @property
    def scope(self) -> Scope:
        return self.site.scope


class Meaning(models.TextChoices):
    STATE = "state", _("state of the machine")
    COUNT = "count", _("pieces since the last signal")
    REASON = "reason", _("reason of the stop")


def validate_choices(value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValidationError(_now('Write what values mean as {"1": "producing", "2": "stopped"}.'))


class SignalMapping(models.Model):
    """What a signal of a machine means.

    tag      topic of a broker ("+" and a last "#" stand for anything), node id of OPC UA, tag of a posted signal
    *_path   where in the payload: "data.state", "items[0].v"; empty: the payload itself (value), or none (time, id)
    choices  what a value means: value as text -> machine state, or reason code; "*" for all others
    counter  name of the counter ("good", "scrap", "cycles"); a count says that the machine produces, if `is_running`
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", editable=False)
    source = models.ForeignKey(SignalSource, models.PROTECT, related_name="mappings", verbose_name=_("signal source"))
    tag = models.CharField(_("tag or topic"), max_length=200)
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, related_name="signal_mappings", verbose_name=_("work unit")
    )
    meaning = models.CharField(_("it is the"), max_length=6, choices=Meaning.choices)
    value_path = models.CharField(_("where the value is"), max_length=200, blank=True)
    time_path = models.CharField(_("where the time is"), max_length=200, blank=True)
    id_path = models.CharField(_("where the number is"), max_length=200, blank=True)
    choices = models.JSONField(_("what values mean"), default=dict, blank=True, validators=[validate_choices])
    counter = models.SlugField(_("counter"), max_length=40, blank=True)
    is_running = models.BooleanField(_("a count says that it runs"), default=False)
    active = models.BooleanField(_("in use"), default=True)

    site_id: int
    source_id: int
    work_unit_id: int
    objects = AtSiteQuerySet["SignalMapping"].as_manager()
    history = History()

    class Meta:
        verbose_name = _("signal mapping")
        verbose_name_plural = _("signal mappings")
        ordering = ["source", "tag"]
        constraints = [
            models.CheckConstraint(condition=Q(meaning__in=Meaning.values), name="signal_mapping_meaning_known"),
            models.CheckConstraint(
                condition=~Q(meaning=Meaning.COUNT) | ~Q(counter=""), name="signal_mapping_count_has_counter"
            ),
            models.UniqueConstraint(
                fields=["source", "tag", "work_unit", "meaning", "value_path"], name="signal_mapping_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag}: {self.meaning}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.site_id = self.source.site_id
        super().save(*args, **kwargs)

    def clean(self) -> None:
        if self.meaning == Meaning.STATE:
            known = set(SAYABLE)
        elif self.meaning == Meaning.REASON:
            known = set(ReasonCode.objects.filter(purpose=Purpose.DOWNTIME).values_list("code", flat=True))
        else:
            known = set()
        unknown = sorted(set(self.choices.values()) - known) if isinstance(self.choices, dict) else []
        if unknown:
            raise ValidationError({"choices": _now("Unknown: %(values)s.") % {"values": ", ".join(unknown)}})
        if self.meaning in (Meaning.STATE, Meaning.REASON) and not self.choices:
            raise ValidationError({"choices": _now("Say what its values mean.")})
        if self.meaning == Meaning.COUNT and not self.counter:
            raise ValidationError({"counter": _now("Name the counter, say good.")})
        if self.source_id and self.work_unit_id and self.work_unit.site_id != self.source.site_id:
            raise ValidationError({"work_unit": _now("It stands at another site than the source.")})

    @property
    def scope(self) -> Scope:
        return self.source.scope


class SeenSignal(models.Model):
    """A count that was taken: the same one again counts nothing. Kept as long as a signal may be old."""

    digest = models.UUIDField(primary_key=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="seen_signal_at")]

    def __str__(self) -> str:
        return str(self.digest)


class CountedMinute(models.Model):
    """What a counter of a machine counted within a minute, by the signals' own time."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, related_name="+")
    counter = models.CharField(max_length=40)
    minute = models.DateTimeField()
    quantity = QuantityField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work_unit", "counter", "minute"], name="counted_minute_once"),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.counter} {self.minute:%Y-%m-%d %H:%M}"


class Doubt(models.TextChoices):
    """Why a signal is kept out."""

    NOT_READABLE = "not_readable", _("not readable")
    NO_MAPPING = "no_mapping", _("no mapping for it")
    BAD_VALUE = "bad_value", _("the value means nothing")
    BAD_TIME = "bad_time", _("the time is none")
    TOO_OLD = "too_old", _("too old")
    IN_THE_FUTURE = "in_the_future", _("too far ahead")
    TOO_BIG = "too_big", _("too big")


class QuarantinedSignal(models.Model):
    """A signal that was kept out, for a person to look at. Beyond so many a day of one source, `count` tells them.

    payload  its beginning only      count  so many alike, of which this is the last
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    source = models.ForeignKey(SignalSource, models.PROTECT, related_name="+", verbose_name=_("signal source"))
    doubt = models.CharField(_("why"), max_length=14, choices=Doubt.choices)
    tag = models.CharField(_("tag or topic"), max_length=200, blank=True)
    payload = models.TextField(_("content"), blank=True)
    at = models.DateTimeField(_("its own time"), null=True)
    received_at = models.DateTimeField(_("received"))
    count = models.PositiveIntegerField(_("count"), default=1)
    is_rest = models.BooleanField(_("stands for many"), default=False)

    site_id: int
    objects = AtSiteQuerySet["QuarantinedSignal"].as_manager()

    class Meta:
        verbose_name = _("signal kept out")
        verbose_name_plural = _("signals kept out")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(doubt__in=Doubt.values), name="quarantine_doubt_known"),
            models.UniqueConstraint(fields=["source", "doubt"], condition=Q(is_rest=True), name="quarantine_one_rest"),
        ]
        indexes = [models.Index(fields=["source", "received_at"], name="quarantine_of_source")]

    def __str__(self) -> str:
        return f"{self.tag}: {self.doubt}"
