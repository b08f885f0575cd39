"""Badge and PIN at a terminal, user name and password at a desk; both slow down after wrong tries, in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core import ledger, rights
from apps.core.commands import Context, FreeText, command
from apps.core.errors import CommandRefused
from apps.plant.actions import ENROL_TERMINAL
from apps.plant.events import SignedIn, SignInUnderAttack
from apps.plant.models.people import Person, SignInThrottle
from apps.plant.models.terminals import Terminal


@dataclass(frozen=True)
class SignIn:
    """person_id    who it is; None: refused
    sentence     why it was refused, in the active language
    wait_seconds before this time nothing will be tried
    """

    person_id: int | None
    sentence: str = ""
    wait_seconds: int = 0


@command("plant.sign_in_with_badge")
def sign_in_with_badge(context: Context, *, terminal_id: int, badge: SecretStr, pin: SecretStr) -> SignIn:
    """Tells whose badge and PIN it is; apps.plant.sessions opens the session.

    The actor is the terminal itself. The server makes a new `command_id` for each try, never the browser.
    """
    context.allow_anyone()
    if context.actor.terminal_id != terminal_id or not Terminal.objects.active().filter(pk=terminal_id).exists():
        context.refuse(
            "terminal_not_enrolled",
            _("This device is not an enrolled terminal."),
            _("It can be enrolled by: %(roles)s.") % {"roles": ", ".join(rights.holders(ENROL_TERMINAL))},
        )
    return _try(
        context,
        "badge",
        person=Person.objects.get_queryset().filter(badge=badge.get_secret_value(), is_active=True).first(),
        claimed=badge.get_secret_value(),
        proves=lambda person: person.pin_matches(pin.get_secret_value()),
        inputs={"terminal_id": terminal_id},
    )


@command("plant.sign_in_at_desk")
def sign_in_at_desk(context: Context, *, username: FreeText, password: SecretStr) -> SignIn:
    """Tells whose user name and password it is.  The actor is the system: nobody is signed in yet."""
    context.allow_anyone()
    return _try(
        context,
        "password",
        person=Person.objects.get_queryset().filter(username=username, is_active=True).first(),
        claimed=username,
        proves=lambda person: person.check_password(password.get_secret_value()),
        inputs={},
    )


def _try(
    context: Context,
    by: str,
    *,
    person: Person | None,
    claimed: str,
    proves: Callable[[Person], bool],
    inputs: dict[str, Any],
) -> SignIn:
    """A claim to be nobody known goes the same way and takes the same time as a wrong proof."""
    brakes = _locked_brakes(context, person, f"{by}:{claimed}")
    facts = {"person_id": person.pk if person else None}
    if wait := max(brake.seconds_closed(context.now) for brake in brakes):
        sentence = _("Too many wrong tries. Wait %(seconds)s seconds, then try again.") % {"seconds": wait}
        return _refused(context, CommandRefused("sign_in_closed", sentence, "", facts), inputs, wait)
    good = proves(person) if person else _waste_time()
    for brake in brakes:
        if good:
            brake.succeed()
        else:
            brake.fail(context.now)
        brake.save()
        if not good and brake.failures == SignInThrottle.ALARM_AT:
            context.record(SignInUnderAttack(subject_id=brake.key, failures=brake.failures))
    if not good or person is None:
        sentence = _("Badge and PIN do not fit.") if by == "badge" else _("User name and password do not fit.")
        wait = max(brake.seconds_closed(context.now) for brake in brakes)
        return _refused(context, CommandRefused("sign_in_wrong", sentence, "", facts), inputs, wait)
    context.record(SignedIn(subject_id=person.pk, site_id=person.site_id, by=by))
    return SignIn(person_id=person.pk)


def _locked_brakes(context: Context, person: Person | None, claim: str) -> list[SignInThrottle]:
    """That of the person and that of the terminal. A claim that fits nobody has one too, or it would tell."""
    unknown = salted_hmac("apps.plant.unknown", claim, algorithm="sha256").hexdigest()[:24]
    keys = [f"person:{person.pk}" if person else f"unknown:{unknown}"]
    if context.actor.terminal_id is not None:
        keys.append(f"terminal:{context.actor.terminal_id}")
    keys.sort()
    SignInThrottle.objects.bulk_create([SignInThrottle(key=key) for key in keys], ignore_conflicts=True)
    return list(SignInThrottle.objects.select_for_update().filter(key__in=keys).order_by("key"))


def _waste_time() -> bool:
    make_password("nobody")
    return False


def _refused(context: Context, refusal: CommandRefused, inputs: dict[str, Any], wait_seconds: int) -> SignIn:
    """In the ledger as every refused attempt is, but without undoing the count."""
    ledger.append_refusal(refusal, context, inputs)
    return SignIn(person_id=None, sentence=refusal.sentence, wait_seconds=wait_seconds)
