"""A notification reaches its person by the first channel that works; nobody is paged for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.andon.channels.interface import ChannelKind
from apps.andon.commands import acknowledge, give, resolve
from apps.andon.delivery import claim, deliver_next, keep
from apps.andon.models import DeliveryAttempt, NoticeState, Notification
from apps.andon.queries import not_reached
from tests.andon.channels.servers import HOST, Web, closed, web
from tests.andon.channels.test_email import Mailbox, mail_server
from tests.andon.floor import Floor, later, make_floor
from tests.andon.reach import deliver_all, hook_of, mail_to, states, tries
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(settings: Any) -> Floor:
    settings.BASE_URL = "https://plant.example"
    settings.WEBHOOK_HTTP_HOSTS = [HOST]
    return make_floor()


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web(200, b'{"id": "r-1"}') as running:
        yield running


def test_the_owner_gets_a_mail_that_says_what_whose_since_when_and_where_to_answer(
    floor: Floor, mailbox: Mailbox
) -> None:
    mail_to(floor.mia)
    stop = floor.stop()
    deliver_all()
    (mail,) = mailbox.mails
    text = mail.get_content()
    assert (mail["To"], mail["Subject"]) == ("mia@plant.example", stop.headline)
    assert "It is yours." in text
    assert "Owner: Mia." in text
    assert "Since 10:45" in text, "the time is the site's, Berlin"
    assert f"https://plant.example/phone/{stop.pk}/" in text
    assert states(stop)[0] == ("mia", "raised", "sent")
    assert tries(stop) == [("email", True)]


def test_it_is_told_in_the_language_of_the_person(floor: Floor, mailbox: Mailbox) -> None:
    mail_to(floor.mia)
    floor.mia.language = "de"
    floor.mia.save()
    floor.stop()
    deliver_all()
    assert "10:45" in mailbox.mails[0].get_content()
    assert "a.m." not in mailbox.mails[0].get_content()


def test_without_a_channel_of_their_own_the_banner_is_all_there_is(floor: Floor) -> None:
    stop = floor.stop()
    deliver_all()
    assert tries(stop) == [("banner", True)]


def test_a_channel_that_fails_is_followed_by_the_next_at_once(floor: Floor, mailbox: Mailbox) -> None:
    with closed() as port:
        hook_of(floor.mia, f"http://{HOST}:{port}/", position=1)
        mail_to(floor.mia, position=2)
        stop = floor.stop()
        deliver_all()
    assert tries(stop) == [("webhook", False), ("email", True)]
    assert states(stop)[0] == ("mia", "raised", "sent")
    failed = DeliveryAttempt.objects.get(worked=False)
    assert "can't be reached" in failed.sentence
    assert len(mailbox.mails) == 1


def test_an_address_that_is_gone_is_marked_and_not_used_again(floor: Floor) -> None:
    with web(410) as gone:
        row = hook_of(floor.mia, gone.url)
        first, _second = floor.stop(), deliver_all()
        row.refresh_from_db()
        assert row.broken_at is not None
        floor.stop("T35")
        deliver_all()
        assert len(gone.asked) == 1
    assert tries(first) == [("webhook", False), ("banner", True)]


def test_all_phones_of_a_person_are_told(floor: Floor, receiver: Web) -> None:
    hook_of(floor.mia, f"{receiver.url}/one")
    hook_of(floor.mia, f"{receiver.url}/two", position=2)
    floor.stop()
    deliver_all()
    assert sorted(asked.path for asked in receiver.asked) == ["/one", "/two"]


def test_the_banner_does_not_make_up_for_a_phone_that_is_not_reached(floor: Floor) -> None:
    with closed() as port:
        hook_of(floor.mia, f"http://{HOST}:{port}/")
        stop = floor.stop()
        deliver_all()
    assert tries(stop) == [("webhook", False), ("banner", True)]
    assert states(stop)[0] == ("mia", "raised", "failed")
    assert not_reached([stop.pk]) == {stop.pk}


def test_with_no_channel_that_works_it_is_seen_to_have_failed(floor: Floor) -> None:
    stop = floor.stop()
    Notification.objects.filter(exception=stop).update(channels=["email"])
    deliver_all()
    assert states(stop)[0] == ("mia", "raised", "failed")
    assert "No address" in DeliveryAttempt.objects.get().sentence


def test_what_was_answered_meanwhile_pages_nobody(floor: Floor, mailbox: Mailbox) -> None:
    mail_to(floor.mia)
    mail_to(floor.marta)
    stop = floor.stop()
    later(minutes=5)
    run(acknowledge, floor.mia, exception_id=stop.pk)
    deliver_all()
    assert mailbox.mails == []
    assert {(who, why): state for who, why, state in states(stop) if why in ("raised", "step")} == {
        ("mia", "raised"): "overtaken",
        ("marta", "step"): "overtaken",
    }
    assert not tries(stop)


def test_whoever_gave_it_away_is_not_told_that_it_is_theirs(floor: Floor, mailbox: Mailbox) -> None:
    mail_to(floor.mia)
    mail_to(floor.marta)
    stop = floor.stop()
    run(give, floor.sven, exception_id=stop.pk, person_id=floor.marta.pk)
    deliver_all()
    assert [mail["To"] for mail in mailbox.mails] == ["marta@plant.example"]


def test_an_owner_is_warned_and_reminded_while_it_lasts_and_not_after_it(floor: Floor, mailbox: Mailbox) -> None:
    mail_to(floor.mia)
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    deliver_all()
    later(minutes=30)
    deliver_all()
    assert "How is it going?" in mailbox.mails[-1].get_content()
    count = len(mailbox.mails)
    stop = floor.stop("T35")
    run(acknowledge, floor.mia, exception_id=stop.pk)
    later(minutes=30)
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    deliver_all()
    assert len([m for m in mailbox.mails[count:] if m["Subject"] == stop.headline]) == 0


def test_the_most_severe_is_told_first(floor: Floor, receiver: Web) -> None:
    hook_of(floor.mia, receiver.url)
    ordinary, safety = floor.stop("T34"), floor.stop("T35")
    Notification.objects.filter(exception=safety).update(severity=1)
    Notification.objects.filter(exception=ordinary).update(severity=3)
    deliver_all()
    assert [json.loads(asked.body)["data"]["exception"] for asked in receiver.asked] == [safety.pk, ordinary.pk]


def test_pages_over_the_number_are_listed_and_never_sent(floor: Floor, receiver: Web) -> None:
    hook_of(floor.mia, receiver.url)
    for n in range(4):
        floor.stop(f"T{n}", type_code="help")
    Notification.objects.filter(person=floor.mia).update(state=NoticeState.LISTED)
    deliver_all()
    assert receiver.asked == []
    assert not DeliveryAttempt.objects.filter(notification__state=NoticeState.LISTED).exists()


def test_a_lease_that_ran_out_is_anothers_and_the_late_answer_changes_nothing(floor: Floor, receiver: Web) -> None:
    hook_of(floor.mia, receiver.url)
    floor.stop()
    slow = claim(ChannelKind.WEBHOOK)
    assert slow is not None
    assert claim(ChannelKind.WEBHOOK) is None, "it is leased"
    Notification.objects.filter(pk=slow.notification.pk).update(leased_until=Now())
    assert deliver_next(ChannelKind.WEBHOOK)
    keep(slow, [])
    assert Notification.objects.get(pk=slow.notification.pk).state == NoticeState.SENT


def test_each_telling_has_a_key_of_its_own_that_a_repetition_keeps(floor: Floor, receiver: Web) -> None:
    hook_of(floor.mia, receiver.url)
    first, second = floor.stop(), floor.stop("T35")
    deliver_all()
    Notification.objects.filter(exception=first, person=floor.mia).update(state=NoticeState.QUEUED)
    deliver_all()
    keys = [asked.headers["Idempotency-Key"] for asked in receiver.asked]
    assert keys == [n.key for n in (first.notifications.get(), second.notifications.get(), first.notifications.get())]


def test_the_database_keeps_what_is_queued_on_a_way(floor: Floor) -> None:
    stop = floor.stop()
    rows = Notification.objects.filter(exception=stop)
    for wrong in ({"tried": 9}, {"person": None}, {"leased_until": Now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
