"""Each chooses, tests and orders the ways by which they are told; nobody sees another's addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from apps.andon.channels import push_keys
from apps.andon.commands import (
    add_channel,
    confirm_channel,
    drop_push_subscription,
    move_channel,
    remove_channel,
    save_push_subscription,
    send_test,
)
from apps.andon.delivery import MOST_ADDRESSES, address_of
from apps.andon.messages import code_of
from apps.andon.models import Notification, PersonChannel, PushKey
from apps.andon.plant_key import kept
from apps.andon.reach import unproven_people
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.plant.models import Person
from tests.andon.channels.servers import HOST, web
from tests.andon.channels.test_email import Mailbox, mail_server
from tests.andon.floor import Floor, make_floor
from tests.andon.reach import deliver_all, mail_to
from tests.world import run

pytestmark = pytest.mark.django_db
SECRET = SecretStr("sixteen letters and more")


@pytest.fixture
def floor() -> Floor:
    return make_floor()


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


def add(person: Person, kind: str = "email", address: str = "mia@plant.example", **more: Any) -> PersonChannel:
    return PersonChannel.objects.get(pk=run(add_channel, person, kind=kind, address=address, **more))


def refusal(command: Any, who: Person | Actor, **inputs: Any) -> str:
    with pytest.raises(CommandRefused) as refused:
        run(command, who, **inputs)
    return refused.value.code


def kinds(person: Person) -> list[str]:
    return list(PersonChannel.objects.filter(person=person).order_by("position").values_list("kind", flat=True))


def test_an_address_that_can_not_be_right_is_refused_with_what_to_type(floor: Floor) -> None:
    for kind, address in [
        ("email", "mia at plant"),
        ("sms", "0151 2345"),
        ("webhook", "http://plant.example/"),
        ("banner", "anything"),
    ]:
        assert refusal(add_channel, floor.mia, kind=kind, address=address, secret=SECRET) == "not_valid", kind
    https = "https://plant.example/"
    assert refusal(add_channel, floor.mia, kind="webhook", address=https, secret=SecretStr("short")) == "not_valid"
    assert not PersonChannel.objects.exists()


def test_addresses_and_secrets_stay_out_of_the_ledger_and_secrets_out_of_the_table(floor: Floor) -> None:
    made = add(floor.mia, "webhook", "https://plant.example/hush", secret=SECRET)
    add(floor.mia, address="mia-private@plant.example")
    refusal(add_channel, floor.mia, kind="email", address="mia-private@plant.example")
    assert SECRET.get_secret_value() not in str(made.address)
    assert address_of(made).webhook_secret == SECRET.get_secret_value()
    assert LedgerEvent.objects.filter(kind=ATTEMPT_REFUSED).exists()
    for event in LedgerEvent.objects.all():
        assert "private" not in str(event.data)
        assert "hush" not in str(event.data)


def test_the_same_address_is_taken_once_and_of_a_kind_only_so_many(floor: Floor) -> None:
    add(floor.mia)
    assert refusal(add_channel, floor.mia, kind="email", address="mia@plant.example") == "known"
    for n in range(MOST_ADDRESSES - 1):
        add(floor.mia, address=f"mia{n}@plant.example")
    assert refusal(add_channel, floor.mia, kind="email", address="one@plant.example") == "too_many"


def test_their_order_is_the_persons_to_choose(floor: Floor) -> None:
    add(floor.mia, "sms", "+49 151 23456789")
    mail = add(floor.mia)
    assert kinds(floor.mia) == ["sms", "email"]
    run(move_channel, floor.mia, channel_id=mail.pk, up=True)
    run(move_channel, floor.mia, channel_id=mail.pk, up=True)
    assert kinds(floor.mia) == ["email", "sms"]
    assert floor.stop().notifications.get(person=floor.mia, occasion="raised").channels == ["email", "sms", "banner"]


def test_nobody_touches_or_tests_another_persons_channel_not_even_who_leads(floor: Floor) -> None:
    channel = add(floor.mia)
    for command, inputs in [
        (remove_channel, {}),
        (move_channel, {"up": True}),
        (send_test, {}),
        (confirm_channel, {"code": SecretStr("000000")}),
    ]:
        assert refusal(command, floor.paul, channel_id=channel.pk, **inputs) == "not_found"
    assert refusal(add_channel, Actor(terminal_id=1), kind="email", address="a@plant.example") == "nobody"
    nobody = floor.world.olga
    nobody.role_assignments.all().delete()
    assert refusal(add_channel, nobody, kind="email", address="a@plant.example") == "not_allowed"
    assert channel in PersonChannel.objects.all()


def test_a_test_message_brings_a_code_and_typed_back_it_proves_the_channel(floor: Floor, mailbox: Mailbox) -> None:
    channel = add(floor.mia)
    told = Notification.objects.get(pk=run(send_test, floor.mia, channel_id=channel.pk))
    deliver_all()
    (mail,) = mailbox.mails
    assert code_of(told) in mail.get_content()
    assert mail["To"] == "mia@plant.example"
    wrong = run(confirm_channel, floor.mia, channel_id=channel.pk, code=SecretStr(other_than(code_of(told))))
    assert (wrong.proven, "not the code" in wrong.sentence) == (False, True)
    assert run(confirm_channel, floor.mia, channel_id=channel.pk, code=SecretStr(f" {code_of(told)} ")).proven
    channel.refresh_from_db()
    assert channel.is_proven(clock.now())
    assert not channel.is_proven(clock.now() + timedelta(days=31))
    again = run(confirm_channel, floor.mia, channel_id=channel.pk, code=SecretStr(code_of(told)))
    assert not again.proven, "a code counts once"


def test_a_code_is_neither_guessed_nor_good_for_ever(floor: Floor, mailbox: Mailbox) -> None:
    channel = add(floor.mia)
    told = Notification.objects.get(pk=run(send_test, floor.mia, channel_id=channel.pk))
    right, wrong = SecretStr(code_of(told)), SecretStr(other_than(code_of(told)))
    for _ in range(5):
        run(confirm_channel, floor.mia, channel_id=channel.pk, code=wrong)
    assert not run(confirm_channel, floor.mia, channel_id=channel.pk, code=right).proven
    told = Notification.objects.get(pk=run(send_test, floor.mia, channel_id=channel.pk))
    clock.move_to(clock.now() + timedelta(minutes=31), rate=0)
    assert not run(confirm_channel, floor.mia, channel_id=channel.pk, code=SecretStr(code_of(told))).proven


def test_nobodys_mailbox_is_filled_with_tests(floor: Floor, mailbox: Mailbox) -> None:
    channel = add(floor.mia)
    for _ in range(5):
        run(send_test, floor.mia, channel_id=channel.pk)
    assert refusal(send_test, floor.mia, channel_id=channel.pk) == "too_often"


def test_a_way_that_the_plant_has_not_set_up_says_what_to_set(floor: Floor, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    assert refusal(send_test, floor.mia, channel_id=add(floor.mia).pk) == "not_ready"


def test_a_test_of_a_channel_that_was_removed_goes_nowhere(floor: Floor, mailbox: Mailbox) -> None:
    channel = add(floor.mia)
    told = run(send_test, floor.mia, channel_id=channel.pk)
    run(remove_channel, floor.mia, channel_id=channel.pk)
    deliver_all()
    assert mailbox.mails == []
    assert Notification.objects.get(pk=told).state == "overtaken"


def subscribe(person: Person, url: str, auth: str = "c2VjcmV0LTEyMzQ1Njc4") -> int:
    channel: int = run(save_push_subscription, person, endpoint=url, p256dh="BPoint", auth=auth)
    return channel


def test_a_phone_says_its_subscription_at_each_visit_and_is_kept_once(floor: Floor) -> None:
    first = subscribe(floor.mia, "https://push.example/1")
    assert subscribe(floor.mia, "https://push.example/1") == first
    PersonChannel.objects.update(broken_at=clock.now())
    assert subscribe(floor.mia, "https://push.example/1", auth="bmV3LXNlY3JldC0xMjM0") == first
    kept_now = PersonChannel.objects.get()
    assert (kept_now.broken_at, kept_now.address["auth"]) == (None, "bmV3LXNlY3JldC0xMjM0")
    run(drop_push_subscription, floor.mia, endpoint="https://push.example/1")
    run(drop_push_subscription, floor.mia, endpoint="https://push.example/1")
    assert not PersonChannel.objects.exists()


def test_a_phone_that_changes_hands_tells_who_has_it_now_and_nobody_before(floor: Floor) -> None:
    subscribe(floor.mia, "https://push.example/shared")
    subscribe(floor.sven, "https://push.example/shared")
    assert PersonChannel.objects.get().person == floor.sven


def test_a_lead_sees_who_has_proven_nothing_lately_without_any_address(
    floor: Floor, django_assert_max_num_queries: Any
) -> None:
    mail_to(floor.marta)
    proven = mail_to(floor.mia)
    proven.proven_at = clock.now() - timedelta(days=29)
    proven.save()
    with django_assert_max_num_queries(5):
        found = {reach.person: reach for reach in unproven_people(Actor(person_id=floor.sven.pk), clock.now())}
    assert floor.mia not in found
    assert found[floor.marta].unproven == ["email"]
    assert found[floor.paul].unproven == [], "the banner alone"
    proven.proven_at = clock.now() - timedelta(days=31)
    proven.save()
    assert floor.mia in {reach.person for reach in unproven_people(Actor(person_id=floor.sven.pk), clock.now())}
    assert unproven_people(Actor(person_id=floor.mia.pk), clock.now()) == [], "who leads nobody sees nobody"


def test_the_plant_has_a_push_key_of_its_own_that_no_copy_of_the_table_tells(floor: Floor, settings: Any) -> None:
    settings.PUSH_KEY = ""
    key = kept()
    assert key
    assert key not in PushKey.objects.get().sealed
    assert push_keys.public_key() == push_keys.public_of(key)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another one that is long enough for everything 0123456789"
    assert kept() == ""
    settings.SECRET_KEY_FALLBACKS = [former]
    assert kept() == key


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_push_test_goes_to_the_phone_that_is_tested_and_to_no_other(floor: Floor, settings: Any) -> None:
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    with web() as receiver:
        for path in ("one", "two"):
            add(floor.mia, "webhook", f"{receiver.url}/{path}", secret=SECRET)
        second = PersonChannel.objects.get(address__webhook_url=f"{receiver.url}/two")
        run(send_test, floor.mia, channel_id=second.pk)
        deliver_all()
        assert [asked.path for asked in receiver.asked] == ["/two"]
