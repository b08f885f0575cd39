"""The devices of the floor: each with a credential of its own, bound to a place, revocable."""

from __future__ import annotations

import hashlib
import secrets
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.models.places import Site, WorkCenter, WorkUnit, code_is_plain, ids, validate_code, within


def new_secret() -> str:
    """128 random bits, as text for a cookie."""
    return secrets.token_urlsafe(16)


def hash_of(secret: str) -> str:
    """A plain hash is enough for 128 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TerminalQuerySet(models.QuerySet["Terminal"]):
    def active(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def visible_to(self, actor: Actor, action: Action) -> Self:
        places = rights.places(actor, action)
        if EVERYWHERE & places:
            return self
        return self.filter(Q(site__in=ids(places, "site")) | within(places) | within(places, "work_unit__work_center"))


class Terminal(models.Model):
    class Kind(models.TextChoices):
        STATION = "station", _("station")
        BOARD = "board", _("board")

    code = models.CharField(_("code"), max_length=20, validators=[validate_code])
    site = models.ForeignKey(Site, models.PROTECT, related_name="terminals", verbose_name=_("site"))
    work_center = models.ForeignKey(
        WorkCenter, models.PROTECT, null=True, blank=True, related_name="terminals", verbose_name=_("work center")
    )
    work_unit = models.ForeignKey(
        WorkUnit, models.PROTECT, null=True, blank=True, related_name="terminals", verbose_name=_("station")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.STATION)
    secret_hash = models.CharField(max_length=64, editable=False)
    auto_lock_seconds = models.PositiveIntegerField(
        _("locks itself after"),
        default=300,
        validators=[MinValueValidator(30), MaxValueValidator(3600)],
        help_text=_("Seconds without an act; the board stays readable."),
    )
    enrolled_at = models.DateTimeField(_("enrolled"), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    site_id: int
    work_center_id: int | None
    work_unit_id: int | None
    # Only in memory, from the enrolment to the answer that hands it to the device.
    fresh_secret: str = ""
    objects = TerminalQuerySet.as_manager()
    history = History(excluded_fields=["secret_hash"])

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        ordering = ["site", "code"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="terminal_code_once_per_site"),
            models.CheckConstraint(
                condition=Q(work_center=None) | Q(work_unit=None), name="terminal_at_line_or_station_not_both"
            ),
            models.CheckConstraint(
                condition=~Q(kind="station") | Q(work_center__isnull=False) | Q(work_unit__isnull=False),
                name="station_terminal_has_a_line",
            ),
            models.CheckConstraint(
                condition=Q(auto_lock_seconds__gte=30, auto_lock_seconds__lte=3600), name="terminal_locks_itself"
            ),
            code_is_plain("terminal_code_plain"),
        ]

    def __str__(self) -> str:
        return self.code

    def secret_matches(self, secret: str) -> bool:
        return constant_time_compare(self.secret_hash, hash_of(secret))

    @property
    def located(self) -> Site | WorkCenter | WorkUnit:
        """The narrowest place it stands for."""
        return self.work_unit or self.work_center or self.site

    @property
    def place(self) -> str:
        return self.located.place

    @property
    def scope(self) -> Scope:
        return self.located.scope
