"""Why something happened, as the plant names it: a tree per purpose."""

from __future__ import annotations

from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.history import History
from apps.core.rights import EVERYWHERE, Scope
from apps.plant.texts import in_language, validate_texts


class Purpose(models.TextChoices):
    SCRAP = "scrap", _("scrap")
    PAUSE = "pause", _("pause")
    SHORT_COMPLETION = "short_completion", _("short completion")
    DOWNTIME = "downtime", _("downtime")
    REVERSAL = "reversal", _("reversal")
    HOLD = "hold", _("hold")
    RELEASE = "release", _("release of a hold")
    CANCELLATION = "cancellation", _("cancellation")
    RESOLUTION = "resolution", _("resolution of an exception")
    ROOT_CAUSE = "root_cause", _("cause of an exception")
    SNOOZE = "snooze", _("snooze of an exception")
    CLOCK_PAUSE = "clock_pause", _("pause of a clock")
    CANNOT = "cannot", _("why somebody can't come")


class ReasonCodeQuerySet(models.QuerySet["ReasonCode"]):
    def choosable(self, purpose: Purpose | str | None = None) -> Self:
        """What a screen offers for `purpose` (None: for each): active reasons without a finer active one under them."""
        finer = ReasonCode.objects.filter(parent=models.OuterRef("pk"), active=True)
        found = self.filter(~models.Exists(finer), active=True)
        return found if purpose is None else found.filter(purpose=purpose)


class ReasonCode(models.Model):
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    code = models.SlugField(_("code"), max_length=40)
    labels = models.JSONField(_("labels"), default=dict, validators=[validate_texts], help_text=_("One per language."))
    active = models.BooleanField(_("in use"), default=True)

    parent_id: int | None
    objects = ReasonCodeQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("reason code")
        verbose_name_plural = _("reason codes")
        ordering = ["purpose", "code"]
        constraints = [
            models.UniqueConstraint(fields=["purpose", "code"], name="reason_code_once_per_purpose"),
            models.UniqueConstraint(fields=["id", "purpose"], name="reason_with_purpose"),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("id")), name="reason_not_its_own_parent"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="reason_purpose_known"),
        ]

    def __str__(self) -> str:
        return self.label()

    def label(self, language: str | None = None) -> str:
        return in_language(self.labels, language, self.code)

    def clean(self) -> None:
        above, seen = self.parent, {self.pk}
        while above is not None:
            if above.purpose != self.purpose:
                raise ValidationError({"parent": _now("A reason and the one it is part of have the same purpose.")})
            if above.pk in seen:
                raise ValidationError({"parent": _now("A reason can't be part of itself.")})
            seen.add(above.pk)
            above = above.parent

    @property
    def scope(self) -> Scope:
        return EVERYWHERE
