"""From the cause to the mailbox, the receiver and the phone: by the worker of the product and real servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from apps.andon.channels import push_keys
from apps.andon.commands import save_push_subscription
from apps.andon.messages import code_of
from apps.andon.models import DeliveryAttempt, NoticeState, Notification, SiteRules
from apps.andon.owners import rules_of
from apps.andon.reaching import DELIVER
from tests.andon.channels.servers import HOST, silent, tcp, web
from tests.andon.channels.test_email import mail_server
from tests.andon.channels.test_push import Phone
from tests.andon.floor import Floor, make_floor
from tests.andon.reach import hook_of, mail_to, tries
from tests.andon.test_lights import working
from tests.test_access import at_desk
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor(settings: Any) -> Floor:
    settings.BASE_URL = "https://plant.example"
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    settings.PUSH_CONTACT = "mailto:it@plant.example"
    return make_floor()


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


def subscribe(floor: Floor, phone: Phone, url: str) -> None:
    address = phone.address(url)
    run(save_push_subscription, floor.mia, endpoint=url, p256dh=address.p256dh, auth=address.auth)


def test_a_phone_reads_what_was_pushed_within_seconds_of_the_cause(floor: Floor) -> None:
    phone = Phone(ec.generate_private_key(ec.SECP256R1()))
    with web(201) as service, working(*DELIVER):
        subscribe(floor, phone, f"{service.url}/push/1")
        time.sleep(1)
        began = time.monotonic()
        stop = floor.stop()
        wait_for(lambda: service.asked)
        took = time.monotonic() - began
        wait_for(lambda: not Notification.objects.queued().exists())
    told = phone.read(service.asked[0])
    assert (told["title"], told["url"]) == (stop.headline, f"https://plant.example/phone/{stop.pk}/")
    assert push_keys.public_key() in service.asked[0].headers["Authorization"], "signed with the plant's own key"
    assert tries(stop)[0] == ("push", True)
    assert took < 2, took


def test_a_phone_that_is_gone_is_followed_by_the_mail(floor: Floor, settings: Any) -> None:
    phone = Phone(ec.generate_private_key(ec.SECP256R1()))
    with web(410) as service, mail_server(settings) as mailbox, working(*DELIVER):
        subscribe(floor, phone, f"{service.url}/push/1")
        mail_to(floor.mia, position=2)
        stop = floor.stop()
        wait_for(lambda: mailbox.mails)
        wait_for(lambda: not Notification.objects.queued().exists())
    assert tries(stop) == [("push", False), ("email", True)]
    assert floor.mia.channels.get(kind="push").broken_at is not None
    assert mailbox.mails[0]["Subject"] == stop.headline


def test_a_mail_server_that_hangs_holds_back_no_webhook_and_not_long_those_it_fails(
    floor: Floor, settings: Any
) -> None:
    mail_to(floor.marta)
    with tcp(silent) as port, web() as receiver:
        hook_of(floor.mia, receiver.url)
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = HOST, port, False
        settings.DEFAULT_FROM_EMAIL = "mfgos@plant.example"
        stop = floor.stop()
        Notification.objects.all().delete()
        told = {"site": floor.world.site, "exception": stop, "occasion": "informed"}
        moments = {"created_at": stop.raised_at, "due_at": stop.raised_at}
        people = [(floor.marta, "email")] * 10 + [(floor.mia, "webhook")] * 20
        Notification.objects.bulk_create(
            [Notification(**told, **moments, person=person, channels=[kind, "banner"]) for person, kind in people]
        )
        began = time.monotonic()
        with working(*DELIVER):
            wait_for(lambda: len(receiver.asked) == 20)
            took = time.monotonic() - began
            assert Notification.objects.queued().filter(person=floor.marta).count() == 10, "the mails still hang"
            wait_for(lambda: not Notification.objects.queued().exists())
    assert took < 5, took
    assert time.monotonic() - began < 25, "ten mails in two lanes at 10 s each would take 50 s"
    assert set(DeliveryAttempt.objects.filter(worked=True).values_list("channel", flat=True)) == {"webhook", "banner"}


def test_of_a_storm_a_person_gets_so_many_pages_and_no_more(floor: Floor) -> None:
    most = rules_of(floor.world.site).pages_per_person
    SiteRules.objects.update(storm_count=1000)
    with web() as receiver, working(*DELIVER):
        hook_of(floor.mia, receiver.url)
        for n in range(most + 4):
            floor.stop(f"T{n}")
        wait_for(lambda: not Notification.objects.queued().exists())
    pages = Notification.objects.filter(person=floor.mia)
    assert pages.filter(state=NoticeState.SENT).count() == most == len(receiver.asked)
    listed = pages.filter(state=NoticeState.LISTED)
    assert listed.count() == 4
    assert not DeliveryAttempt.objects.filter(notification__in=listed).exists()


def test_a_test_message_arrives_and_its_code_is_the_one_asked_for(floor: Floor, settings: Any) -> None:
    from_page = "/phone/channels/"
    with mail_server(settings) as mailbox, working(*DELIVER):
        channel = mail_to(floor.mia)
        client = at_desk(floor.mia)
        client.post(f"{from_page}{channel.pk}/test/")
        wait_for(lambda: mailbox.mails)
        code = code_of(Notification.objects.get(occasion="test"))
        assert code in mailbox.mails[0]["Subject"]
        assert client.post(f"{from_page}{channel.pk}/confirm/", {"code": code}).status_code == 302
    channel.refresh_from_db()
    assert channel.proven_at is not None


def test_two_workers_tell_each_person_once(floor: Floor) -> None:
    with web() as receiver:
        hook_of(floor.mia, receiver.url)
        rules_of(floor.world.site)
        SiteRules.objects.update(pages_per_person=1000, storm_count=1000)
        for n in range(40):
            floor.stop(f"T{n}")
        with working(*DELIVER), working(*DELIVER):
            wait_for(lambda: not Notification.objects.queued().exists())
    keys = [asked.headers["Idempotency-Key"] for asked in receiver.asked]
    assert len(keys) == len(set(keys)) == 40
    assert [json.loads(asked.body)["key"] for asked in receiver.asked] == keys
