"""The page where somebody says how they are told, on the phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.andon.channels import push_keys
from apps.andon.messages import code_of
from apps.andon.models import Notification, PersonChannel
from tests.andon.channels.test_email import Mailbox, mail_server
from tests.andon.floor import Floor, make_floor
from tests.andon.reach import deliver_all, mail_to
from tests.test_access import at_desk

pytestmark = pytest.mark.django_db
PAGE = "/phone/channels/"
SUBSCRIPTION = {"endpoint": "https://push.example/1", "expirationTime": None, "keys": {"p256dh": "BP", "auth": "c2Vj"}}


@pytest.fixture
def floor(settings: Any) -> Floor:
    settings.PUSH_CONTACT = "mailto:it@plant.example"
    return make_floor()


@pytest.fixture
def mia(floor: Floor) -> Client:
    return at_desk(floor.mia)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


def page(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_a_channel_is_added_tested_and_proven_on_the_page(floor: Floor, mia: Client, mailbox: Mailbox) -> None:
    assert "only the banner" in page(mia)
    assert mia.post(f"{PAGE}add/", {"kind": "email", "address": "mia@plant.example"}).status_code == 302
    channel = PersonChannel.objects.get()
    assert "not proven" in page(mia)
    mia.post(f"{PAGE}{channel.pk}/test/")
    deliver_all()
    code = code_of(Notification.objects.get())
    assert "code in the test message" in page(mia)
    wrong = mia.post(f"{PAGE}{channel.pk}/confirm/", {"code": "12"})
    assert (wrong.status_code, "not the code" in wrong.content.decode()) == (409, True)
    assert mia.post(f"{PAGE}{channel.pk}/confirm/", {"code": code}).status_code == 302
    assert "proven 24.11.2026" in page(mia)
    mia.post(f"{PAGE}{channel.pk}/remove/")
    assert not PersonChannel.objects.exists()


def test_a_test_that_did_not_arrive_says_why(floor: Floor, mia: Client, mailbox: Mailbox) -> None:
    mailbox.words = "550 no such user"
    channel = mail_to(floor.mia)
    mia.post(f"{PAGE}{channel.pk}/test/")
    deliver_all()
    assert "refuses the recipient" in page(mia)
    assert "does not exist any more" in page(mia)


def test_a_way_that_is_not_set_up_says_what_to_set(mia: Client, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    assert "set EMAIL_HOST" in page(mia)


def test_their_order_is_changed_by_one_tap(floor: Floor, mia: Client) -> None:
    first, second = mail_to(floor.mia), PersonChannel.objects.create(person=floor.mia, kind="sms", position=2)
    mia.post(f"{PAGE}{second.pk}/up/")
    assert list(floor.mia.channels.values_list("pk", flat=True)) == [second.pk, first.pk]
    mia.post(f"{PAGE}{second.pk}/down/")
    assert list(floor.mia.channels.values_list("pk", flat=True)) == [first.pk, second.pk]
    assert mia.post(f"{PAGE}{second.pk}/nonsense/").status_code == 404


def test_the_phone_saves_and_drops_its_subscription(floor: Floor, mia: Client) -> None:
    def tell(act: str, told: Any) -> int:
        return mia.post(f"{PAGE}push/{act}/", json.dumps(told), content_type="application/json").status_code

    assert f'data-key="{push_keys.public_key()}"' in page(mia)
    assert tell("save", SUBSCRIPTION) == 200
    assert PersonChannel.objects.get().address == {
        "endpoint": "https://push.example/1",
        "p256dh": "BP",
        "auth": "c2Vj",
    }
    for garbage in ([], {}, {"endpoint": 7}, {"endpoint": "file:///etc/passwd", "keys": []}, {"endpoint": "a\0b"}):
        assert tell("save", garbage) == 409, garbage
    assert mia.post(f"{PAGE}push/save/", b"\xff{", content_type="application/json").status_code == 409
    assert tell("drop", SUBSCRIPTION) == 200
    assert not PersonChannel.objects.exists()


def test_the_service_worker_is_served_where_it_may_see_the_phones_pages() -> None:
    answer = Client().get("/phone/push.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/phone/"
    assert b"showNotification" in answer.content


def test_a_lead_sees_who_has_proven_nothing_and_no_address(floor: Floor, mia: Client) -> None:
    mail_to(floor.mia)
    shown = page(at_desk(floor.sven))
    assert "Ask them to send themselves a test" in shown
    assert "Mia" in shown
    assert "mia@plant.example" not in shown
    assert "Ask them to send themselves a test" not in page(mia)


def test_another_persons_channel_is_not_there(floor: Floor, mia: Client) -> None:
    channel = mail_to(floor.marta)
    for act in ("test", "confirm", "up", "down", "remove"):
        assert mia.post(f"{PAGE}{channel.pk}/{act}/").status_code == 409
    assert "marta@plant.example" not in page(mia)
    assert PersonChannel.objects.filter(pk=channel.pk).exists()


def test_the_page_asks_no_more_for_many_channels(
    floor: Floor, mia: Client, mailbox: Mailbox, django_assert_max_num_queries: Any
) -> None:
    for n in range(4):
        channel = mail_to(floor.mia, position=n)
        channel.address = {"email": f"mia{n}@plant.example"}
        channel.save()
        mia.post(f"{PAGE}{channel.pk}/test/")
    with django_assert_max_num_queries(18):
        mia.get(PAGE)
