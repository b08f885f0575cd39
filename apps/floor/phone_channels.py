"""On the phone: how I am told of exceptions. Each sees and changes their own channels only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from uuid import UUID, uuid4

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from pydantic import SecretStr

from apps.andon.actions import GIVE, OWN_CHANNELS
from apps.andon.channels import push_keys
from apps.andon.channels.interface import ChannelKind
from apps.andon.channels.registry import CHANNELS
from apps.andon.commands import (
    add_channel,
    confirm_channel,
    drop_push_subscription,
    move_channel,
    remove_channel,
    save_push_subscription,
    send_test,
)
from apps.andon.models import Notification, Occasion, PersonChannel
from apps.andon.reach import unproven_people
from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.phone import to_sign_in, who_is_asked
from apps.floor.views import REFUSED
from apps.plant import sessions
from apps.plant.models import Person
from apps.plant.models.duty import scope_of

P = ParamSpec("P")
TYPED_KINDS = (ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WEBHOOK)
# What a browser sends for a subscription is a few hundred bytes.
MAX_SUBSCRIPTION_BYTES = 4_096
SCOPE = "/phone/"


def for_me(view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view who is signed in and may choose channels, in the time zone of the home site; or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        actor = who_is_asked(request)
        if actor is None:
            return to_sign_in(request)
        assert actor.person_id is not None, "only a person is asked"
        person = Person.objects.get_queryset().select_related("site").get(pk=actor.person_id)
        if not rights.may(actor, OWN_CHANNELS, scope_of(person)):
            raise Http404
        with timezone.override(person.site.zone if person.site else None):
            return view(request, person, *args, **kwargs)

    return never_cache(inner)


@dataclass(frozen=True)
class ChannelLook:
    """A channel on its owner's page. `test` is the last one sent; `trouble` why it did not arrive."""

    channel: PersonChannel
    shown: str
    is_proven: bool
    test: Notification | None
    trouble: str

    @property
    def tone(self) -> str:
        return "stop" if self.channel.broken_at else "run" if self.is_proven else "warn"


@require_GET
@for_me
def channels_page(request: HttpRequest, person: Person) -> HttpResponse:
    return _page(request, person)


@require_POST
@for_me
def add_view(request: HttpRequest, person: Person) -> HttpResponse:
    def act(actor: Actor, command_id: UUID) -> str:
        add_channel(
            actor,
            command_id,
            kind=request.POST.get("kind", ""),
            address=request.POST.get("address", ""),
            secret=SecretStr(request.POST.get("secret", "")),
        )
        return ""

    return _acted(request, person, act)


@require_POST
@for_me
def channel_view(request: HttpRequest, person: Person, pk: int, act: str) -> HttpResponse:
    if act not in _ACTS:
        raise Http404
    return _acted(request, person, lambda actor, command_id: _ACTS[act](request, actor, command_id, pk))


@require_POST
@for_me
def save_push_view(request: HttpRequest, person: Person) -> HttpResponse:  # noqa: ARG001  # the command knows who asks
    """What the browser's PushManager gives, as JSON."""
    told = _subscription(request)
    keys = told.get("keys")
    keys = keys if isinstance(keys, dict) else {}
    return _answered(
        lambda actor, command_id: save_push_subscription(
            actor,
            command_id,
            endpoint=_text(told.get("endpoint")),
            p256dh=_text(keys.get("p256dh")),
            auth=_text(keys.get("auth")),
        ),
        request,
    )


@require_POST
@for_me
def drop_push_view(request: HttpRequest, person: Person) -> HttpResponse:  # noqa: ARG001  # the command knows who asks
    told = _subscription(request)
    return _answered(
        lambda actor, command_id: drop_push_subscription(actor, command_id, endpoint=_text(told.get("endpoint"))),
        request,
    )


@require_GET
def push_script(_request: HttpRequest) -> HttpResponse:
    """The service worker: below /phone/, because it sees the pages below its own address. Open: it shows nothing."""
    response = HttpResponse(_script(), content_type="text/javascript; charset=utf-8")
    response.headers["Service-Worker-Allowed"] = SCOPE
    response.headers["Cache-Control"] = "no-cache"
    return response


def _test(_request: HttpRequest, actor: Actor, command_id: UUID, pk: int) -> str:
    send_test(actor, command_id, channel_id=pk)
    return ""


def _confirm(request: HttpRequest, actor: Actor, command_id: UUID, pk: int) -> str:
    return confirm_channel(actor, command_id, channel_id=pk, code=SecretStr(request.POST.get("code", ""))).sentence


def _up(_request: HttpRequest, actor: Actor, command_id: UUID, pk: int) -> str:
    move_channel(actor, command_id, channel_id=pk, up=True)
    return ""


def _down(_request: HttpRequest, actor: Actor, command_id: UUID, pk: int) -> str:
    move_channel(actor, command_id, channel_id=pk, up=False)
    return ""


def _remove(_request: HttpRequest, actor: Actor, command_id: UUID, pk: int) -> str:
    remove_channel(actor, command_id, channel_id=pk)
    return ""


_ACTS: dict[str, Callable[[HttpRequest, Actor, UUID, int], str]] = {
    "test": _test,
    "confirm": _confirm,
    "up": _up,
    "down": _down,
    "remove": _remove,
}


def _acted(request: HttpRequest, person: Person, act: Callable[[Actor, UUID], str]) -> HttpResponse:
    """Does it and shows the page anew; with a sentence where it did not come to what was wanted."""
    try:
        sentence = act(entry.actor_of(request), entry.command_id_of(request.POST))
    except CommandRefused as refusal:
        sentence = str(refusal)
    sessions.note_act(request.session)
    return _page(request, person, sentence) if sentence else redirect("floor:phone_channels")


def _page(request: HttpRequest, person: Person, sentence: str = "") -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]  # for_me has seen it
    now = clock.now()
    gives = bool(rights.places(actor, GIVE))
    context = {
        "person": person,
        "channels": _looks(person),
        "kinds": [(kind, CHANNELS[kind].why_not_ready()) for kind in TYPED_KINDS],
        "push_trouble": CHANNELS[ChannelKind.PUSH].why_not_ready(),
        "push_key": push_keys.public_key() if not CHANNELS[ChannelKind.PUSH].why_not_ready() else "",
        "push_words": json.dumps(_push_words()),
        "scope": SCOPE,
        "unproven": unproven_people(actor, now) if gives else [],
        "gives": gives,
        "command_id": uuid4(),
        "sentence": sentence,
    }
    return render(request, "floor/phone_channels.html", context, status=REFUSED if sentence else 200)


def _looks(person: Person) -> list[ChannelLook]:
    """Three queries, however many channels."""
    now = clock.now()
    channels = list(PersonChannel.objects.filter(person=person).order_by("position", "pk"))
    rows = Notification.objects.filter(channel__in=channels, occasion=Occasion.TEST).order_by("pk")
    tests = {test.channel_id: test for test in rows.prefetch_related("attempts")}
    return [_look(channel, tests.get(channel.pk), channel.is_proven(now)) for channel in channels]


def _look(channel: PersonChannel, test: Notification | None, is_proven: bool) -> ChannelLook:  # noqa: FBT001
    last = next(iter(test.attempts.all()), None) if test else None
    return ChannelLook(
        channel=channel,
        shown=_shown(channel),
        is_proven=is_proven,
        test=test,
        trouble=last.sentence if last and not last.worked else "",
    )


def _shown(channel: PersonChannel) -> str:
    address = channel.address
    return str(address.get("email") or address.get("phone") or address.get("webhook_url") or _("a phone or browser"))


def _push_words() -> dict[str, str]:
    return {
        "on": _("Push is on: this phone rings."),
        "off": _("Push is off: this phone does not ring."),
        "denied": _("This browser does not let us: allow notifications for this page in its settings."),
        "unsupported": _("This browser knows no push. On an iPhone, add this page to the home screen first."),
        "insecure": _("Push needs a secure connection: open this page by https."),
        "failed": _("That did not work. Try again; see to the connection."),
        "going": _("I am going"),
        "open": _("Open"),
        "offline": _("No connection to mfgos. Call, or go there."),
        "unreadable": _("mfgos: something needs you. Open the page."),
    }


def _subscription(request: HttpRequest) -> dict[str, Any]:
    try:
        told = json.loads(request.body[:MAX_SUBSCRIPTION_BYTES])
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""


def _answered(act: Callable[[Actor, UUID], object], request: HttpRequest) -> HttpResponse:
    """For the page's script, which knows the browser's own id of the act no more than we do."""
    try:
        act(entry.actor_of(request), uuid4())
    except CommandRefused as refusal:
        return JsonResponse({"sentence": str(refusal)}, status=REFUSED)
    return JsonResponse({})


@cache
def _script() -> bytes:
    found = finders.find("floor/push.js")
    if not isinstance(found, str):
        raise Http404
    return Path(found).read_bytes()
