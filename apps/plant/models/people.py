"""People, their skills, and the brake on guessing PINs.

No history here, but for skills by id: a name, a badge and a PIN must stay erasable. Who changed a person is a ledger
event.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.models.places import Site, ids

PIN_MIN_DIGITS = 6


def validate_pin(pin: str) -> None:
    """Raises ValidationError for a PIN that is too short, has other than digits, or is tried first."""
    if not (pin.isascii() and pin.isdigit() and PIN_MIN_DIGITS <= len(pin) <= 12):
        raise ValidationError(_now("A PIN has 6 to 12 digits."), code="pin_form")
    if is_trivial(pin):
        raise ValidationError(_now("This PIN is too easy to guess. Choose another one."), code="pin_trivial")


def is_trivial(pin: str) -> bool:
    """A run up or down, or a short group said again and again: 123456, 987654, 000000, 121212, 123123."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if steps in ({1}, {9}, {0}):
        return True
    return any(pin == (pin[:length] * len(pin))[: len(pin)] for length in (1, 2, 3))


def _peppered(pin: str, key: str | bytes) -> str:
    """A million PINs are tried in no time by whoever has a copy of the table; without our key the table is no use."""
    return salted_hmac("apps.plant.pin", pin, secret=key, algorithm="sha256").hexdigest()


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        """People of the sites for which the actor holds `action`; those of no site only if it is held everywhere."""
        places = rights.places(actor, action)
        return self if EVERYWHERE & places else self.filter(site__in=ids(places, "site"))


class PersonManager(BaseUserManager["Person"]):
    def get_queryset(self) -> PersonQuerySet:
        return PersonQuerySet(self.model, using=self._db)

    def visible_to(self, actor: Actor, action: Action) -> PersonQuerySet:
        return self.get_queryset().visible_to(actor, action)


class Person(AbstractBaseUser):
    """Somebody who acts: at the floor with badge and PIN, at a desk with user name and password.

    Rights come from role assignments only; nobody passes them by.
    """

    username = models.CharField(_("user name"), max_length=80, unique=True, validators=[RegexValidator(r"^[\w.@+-]+$")])
    name = models.CharField(_("name"), max_length=120)
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name=_("home site"),
        help_text=_("Who manages people there may change this person. Empty: only who does so for all sites."),
    )
    badge = models.CharField(_("badge"), max_length=80, unique=True, null=True, blank=True)
    pin = models.CharField(_("PIN"), max_length=128, blank=True, editable=False)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(
        _("may open these pages"),
        default=False,
        help_text=_("After a sign-in at a desk; what they hold goes by role."),
    )

    site_id: int | None
    # Django would write it by itself at each sign-in; the ledger knows.
    last_login = None
    is_superuser: ClassVar[bool] = False
    objects = PersonManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "username"]
        constraints = [models.CheckConstraint(condition=~Q(badge=""), name="person_badge_or_none")]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.username

    # -- secrets

    def set_pin(self, pin: str) -> None:
        """Keeps an Argon2id hash.  Raises ValidationError for a PIN that is not good enough."""
        validate_pin(pin)
        self.pin = make_password(_peppered(pin, settings.SECRET_KEY))

    def pin_matches(self, pin: str) -> bool:
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return bool(self.pin) and any(check_password(_peppered(pin, key), self.pin) for key in keys)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A changed PIN ends sessions as a changed password does."""
        return salted_hmac(
            "apps.plant.session", f"{self.password}|{self.pin}", secret=secret, algorithm="sha256"
        ).hexdigest()

    # -- rights, in the form in which Django's admin asks for them

    @property
    def scope(self) -> Scope:
        return self.site.scope if self.site else EVERYWHERE

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """`perm` is the code of an action; True when one of the person's roles holds it, at `obj.scope` if given."""
        action = rights.ACTIONS.get(perm)
        if action is None or not self.is_active:
            return False
        actor = Actor(person_id=self.pk)
        scope: Scope | None = getattr(obj, "scope", None)
        return rights.may(actor, action, scope) if scope is not None else bool(rights.places(actor, action))

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(self.has_perm(code) for code in rights.ACTIONS if code.startswith(f"{app_label}."))


class Skill(models.Model):
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)

    history = History()

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        return EVERYWHERE


class PersonSkillQuerySet(models.QuerySet["PersonSkill"]):
    def visible_to(self, actor: Actor, action: Action) -> Self:
        places = rights.places(actor, action)
        return self if EVERYWHERE & places else self.filter(person__site__in=ids(places, "site"))


class PersonSkill(models.Model):
    """A qualification with its days, both included."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="skills", verbose_name=_("person"))
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+", verbose_name=_("skill"))
    certificate = models.CharField(_("certificate"), max_length=120, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True, help_text=_("Empty: without end."))

    person_id: int
    skill_id: int
    objects = PersonSkillQuerySet.as_manager()
    # The text of a certificate may name its holder.
    history = History(excluded_fields=["certificate"])

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        ordering = ["person", "skill", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["person", "skill", "valid_from"], name="qualification_once_per_start"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="qualification_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} {self.valid_from}"

    @property
    def scope(self) -> Scope:
        return self.person.scope


class SignInThrottle(models.Model):
    """Wrong tries against one person or at one terminal; `key` is "person:12" or "terminal:3".

    failures counts since the last good sign-in; nothing is tried, not even the right PIN, before `closed_until`.
    """

    FREE_TRIES: ClassVar[int] = 5
    ALARM_AT: ClassVar[int] = 20
    FIRST_WAIT: ClassVar[timedelta] = timedelta(seconds=30)
    # Longer would help nobody but the one who wants to keep a colleague out.
    LONGEST_WAIT: ClassVar[timedelta] = timedelta(minutes=15)

    key = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-in brake")
        verbose_name_plural = _("sign-in brakes")

    def __str__(self) -> str:
        return self.key

    def seconds_closed(self, at: datetime) -> int:
        """How long it stays closed, rounded up; 0: open."""
        left = (self.closed_until - at) if self.closed_until else timedelta(0)
        return max(0, -(-left // timedelta(seconds=1)))

    def fail(self, at: datetime) -> None:
        self.failures += 1
        doublings = self.failures - self.FREE_TRIES
        if doublings >= 0:
            self.closed_until = at + min(self.FIRST_WAIT * 2 ** min(doublings, 20), self.LONGEST_WAIT)

    def succeed(self) -> None:
        self.failures, self.closed_until = 0, None
