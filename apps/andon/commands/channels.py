"""How somebody is told: each chooses, tests and orders their own channels. Addresses stay out of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Max
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.andon import plant_key
from apps.andon.actions import OWN_CHANNELS
from apps.andon.channels import guard
from apps.andon.channels.interface import ChannelKind
from apps.andon.channels.registry import CHANNELS
from apps.andon.channels.sms import international
from apps.andon.delivery import MOST_ADDRESSES
from apps.andon.events import ChannelAdded, ChannelProven, ChannelRemoved
from apps.andon.messages import code_of
from apps.andon.models import NoticeState, Notification, Occasion, PersonChannel, PushKey
from apps.andon.rows import person_of
from apps.andon.telling import DELIVERY_TOPIC
from apps.core import sealing
from apps.core.commands import Context, FreeText, command
from apps.plant.models import Person, Site
from apps.plant.models.duty import scope_of

LONGEST_ADDRESS = 500
# A code is typed soon; who guesses has few guesses, and nobody's mailbox is filled with tests.
CODE_MINUTES, MOST_GUESSES = 30, 5
MOST_TESTS, TEST_MINUTES = 5, 10


@dataclass(frozen=True)
class Proof:
    """`sentence` says what to do where it is not proven."""

    proven: bool
    sentence: str = ""


@command("andon.add_channel")
def add_channel(context: Context, *, kind: str, address: FreeText, secret: SecretStr | None = None) -> int:
    """Id of the channel, which comes last. `address`: of e-mail, a phone number, a URL; `secret` signs a webhook.

    Raises CommandRefused: nobody, not_allowed, not_valid, too_many, known.
    """
    person = _me(context)
    text = address.strip()[:LONGEST_ADDRESS]
    match kind:
        case ChannelKind.EMAIL:
            made = {"email": _email(context, text)}
        case ChannelKind.SMS:
            made = {"phone": _phone(context, text)}
        case ChannelKind.WEBHOOK:
            made = _webhook(context, text, secret)
        case _:
            context.refuse("not_valid", _("Choose e-mail, SMS or webhook; push is switched on at the phone itself."))
    return _added(context, person, kind, made)


@command("andon.save_push_subscription")
def save_push_subscription(context: Context, *, endpoint: FreeText, p256dh: FreeText, auth: FreeText) -> int:
    """Id of the channel of this phone, new or there already. Phones say it anew at each visit.

    Who uses the phone now is told there, and nobody who used it before.  Raises CommandRefused as `add_channel`.
    """
    person = _me(context)
    _check_url(context, endpoint)
    if not (0 < len(p256dh) <= 200 and 0 < len(auth) <= 100):
        context.refuse("not_valid", _("The phone's subscription can't be used; switch push off and on again."))
    address = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth}
    same = PersonChannel.objects.select_for_update().filter(kind=ChannelKind.PUSH, address__endpoint=endpoint)
    for other in same.exclude(person=person):
        _remove(context, other)
    known = same.filter(person=person).first()
    if known is None:
        return _added(context, person, ChannelKind.PUSH, address)
    if known.address != address or known.broken_at:
        known.address, known.broken_at = address, None
        known.save(update_fields=["address", "broken_at"])
        context.touch(f"person:{person.pk}")
    return known.pk


@command("andon.drop_push_subscription")
def drop_push_subscription(context: Context, *, endpoint: FreeText) -> None:
    """This phone is told nothing more; one that is not known was told nothing."""
    person = _me(context)
    mine = PersonChannel.objects.select_for_update().filter(person=person, kind=ChannelKind.PUSH)
    for channel in mine.filter(address__endpoint=endpoint):
        _remove(context, channel)


@command("andon.remove_channel")
def remove_channel(context: Context, *, channel_id: int) -> None:
    """Raises CommandRefused: nobody, not_allowed, not_found (or another's)."""
    _remove(context, _mine(context, channel_id))


@command("andon.move_channel")
def move_channel(context: Context, *, channel_id: int, up: bool) -> None:
    """Tried earlier, or later; the first and the last stay.  Raises CommandRefused as `remove_channel`."""
    moved = _mine(context, channel_id)
    mine = list(PersonChannel.objects.select_for_update().filter(person=moved.person_id).order_by("position", "pk"))
    index = mine.index(moved)
    mine.insert(min(max(index + (-1 if up else 1), 0), len(mine) - 1), mine.pop(index))
    for position, channel in enumerate(mine, start=1):
        channel.position = position
    PersonChannel.objects.bulk_update(mine, ["position"])
    context.touch(f"person:{moved.person_id}")


@command("andon.test_channel")
def send_test(context: Context, *, channel_id: int) -> int:
    """Id of the notification: a message with a code, sent now by this channel alone.

    Raises CommandRefused: not_ready (with what to set), too_often, and as `remove_channel`.
    """
    channel = _mine(context, channel_id)
    if reason := CHANNELS[ChannelKind(channel.kind)].why_not_ready():
        context.refuse("not_ready", reason)
    since = context.now - timedelta(minutes=TEST_MINUTES)
    tests = Notification.objects.filter(person=channel.person_id, occasion=Occasion.TEST, created_at__gt=since)
    if tests.count() >= MOST_TESTS:
        context.refuse("too_often", _("So many tests were sent just now. Wait ten minutes, then try again."))
    site = channel.person.site or Site.objects.order_by("pk").first()
    if site is None:
        context.refuse("not_found", _("There is no site yet."))
    channel.guesses = 0
    channel.save(update_fields=["guesses"])
    told = Notification.objects.create(
        site=site,
        person_id=channel.person_id,
        channel=channel,
        occasion=Occasion.TEST,
        channels=[channel.kind],
        state=NoticeState.QUEUED,
        created_at=context.now,
        due_at=context.now,
    )
    context.touch(DELIVERY_TOPIC, f"person:{channel.person_id}")
    return told.pk


@command("andon.confirm_channel")
def confirm_channel(context: Context, *, channel_id: int, code: SecretStr) -> Proof:
    """Whether the code is the one in the last test message: then it did arrive.

    Raises CommandRefused as `remove_channel`. A wrong code is no refusal: it is counted.
    """
    channel = _mine(context, channel_id)
    since = context.now - timedelta(minutes=CODE_MINUTES)
    last = channel.tests.filter(occasion=Occasion.TEST, created_at__gt=since).order_by("-pk").first()
    if last is None or channel.guesses >= MOST_GUESSES:
        return Proof(proven=False, sentence=_("Send a new test message first, and type its code."))
    if not constant_time_compare(code.get_secret_value().strip(), code_of(last)):
        channel.guesses += 1
        channel.save(update_fields=["guesses"])
        return Proof(proven=False, sentence=_("That is not the code of the last test message. Look again."))
    channel.proven_at, channel.broken_at, channel.guesses = context.now, None, MOST_GUESSES
    channel.save(update_fields=["proven_at", "broken_at", "guesses"])
    context.record(ChannelProven(subject_id=channel.person_id, site_id=channel.person.site_id, channel=channel.kind))
    context.touch(f"person:{channel.person_id}")
    return Proof(proven=True)


@command("andon.make_plant_key")
def make_plant_key(context: Context) -> bool:
    """The key by which push services know the plant, once; whether it was made now.  For the seed."""
    context.allow_anyone()
    _row, made = PushKey.objects.get_or_create(
        pk=1, defaults={"sealed": plant_key.new_sealed(), "made_at": context.now}
    )
    return made


def _me(context: Context) -> Person:
    """Refuses where nobody is signed in, or who may not."""
    person = Person.objects.get_queryset().select_related("site").get(pk=person_of(context))
    context.allow(OWN_CHANNELS, at=scope_of(person))
    return person


def _mine(context: Context, channel_id: int) -> PersonChannel:
    person = _me(context)
    rows = PersonChannel.objects.select_for_update(of=("self",)).select_related("person__site")
    found = rows.filter(pk=channel_id, person=person).first()
    if found is None:
        context.refuse("not_found", _("This channel does not exist any more. Reload the page."))
    return found


def _added(context: Context, person: Person, kind: str, address: dict[str, str]) -> int:
    mine = PersonChannel.objects.filter(person=person)
    named = {name: value for name, value in address.items() if name != "webhook_secret"}
    if mine.filter(kind=kind, address__contains=named).exists():
        context.refuse("known", _("You are told there already."))
    if mine.filter(kind=kind).count() >= MOST_ADDRESSES:
        context.refuse("too_many", _("You have %(most)s of this kind. Remove one first.") % {"most": MOST_ADDRESSES})
    last = mine.aggregate(last=Max("position"))["last"] or 0
    made = PersonChannel.objects.create(person=person, kind=kind, address=address, position=last + 1)
    context.record(ChannelAdded(subject_id=person.pk, site_id=person.site_id, channel=kind))
    context.touch(f"person:{person.pk}")
    return made.pk


def _remove(context: Context, channel: PersonChannel) -> None:
    channel.delete()
    person = channel.person
    context.record(ChannelRemoved(subject_id=person.pk, site_id=person.site_id, channel=channel.kind))
    context.touch(f"person:{person.pk}")


def _email(context: Context, text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        context.refuse("not_valid", _("That is no e-mail address. Type it as ann@plant.example."))
    return text


def _phone(context: Context, text: str) -> str:
    number = international(text)
    if not number:
        context.refuse("not_valid", _("The phone number is not international; write it as +49 151 23456789."))
    return number


def _webhook(context: Context, text: str, secret: SecretStr | None) -> dict[str, str]:
    _check_url(context, text)
    typed = secret.get_secret_value().strip() if secret else ""
    if len(typed) < 16:
        context.refuse("not_valid", _("The webhook needs a secret of 16 or more characters, the same here and there."))
    return {"webhook_url": text, "webhook_secret": sealing.seal(typed)}


def _check_url(context: Context, url: str) -> None:
    try:
        guard.target(url)
    except guard.ForbiddenError as error:
        context.refuse("not_valid", str(error))
