"""Who was told is kept as long as the site says after an exception has closed, and never goes while it is open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.andon import pruning
from apps.andon.commands import remark
from apps.andon.models import DeliveryAttempt, FloorException, Notification, SiteRules, SiteWebhook
from apps.andon.tasks import prune_who_was_told
from apps.core import clock
from tests.andon.floor import MORNING, Floor, make_floor
from tests.andon.reach import deliver_all
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def after(**how_long: float) -> None:
    """Without anything that happens meanwhile."""
    clock.move_to(MORNING + timedelta(**how_long), rate=0)


def over(floor: Floor, key: str = "T34") -> FloorException:
    """One that somebody was told of and that has closed."""
    stop = floor.stop(key)
    deliver_all()
    floor.end(key)
    return stop


def test_it_goes_when_its_months_are_over_with_what_came_of_it(floor: Floor) -> None:
    stop = over(floor)
    assert DeliveryAttempt.objects.exists()
    SiteRules.objects.update(log_months=6)
    after(days=6 * 31)
    assert prune_who_was_told.run() == 0
    after(days=6 * 31, minutes=1)
    assert prune_who_was_told.run() > 0
    assert not Notification.objects.filter(exception=stop).exists()
    assert not DeliveryAttempt.objects.exists()
    assert FloorException.objects.filter(pk=stop.pk).exists(), "what happened stays"


def test_what_is_open_keeps_all_of_it_however_old(floor: Floor) -> None:
    stop = floor.stop()
    deliver_all()
    told = stop.notifications.count()
    after(days=5000)
    assert prune_who_was_told.run() == 0
    assert stop.notifications.count() == told > 0


def test_it_is_counted_from_the_end_not_from_when_somebody_was_told(floor: Floor) -> None:
    stop = floor.stop()
    SiteRules.objects.update(log_months=1)
    after(days=60)
    floor.end()
    assert prune_who_was_told.run() == 0
    after(days=92)
    assert prune_who_was_told.run() > 0
    assert not stop.notifications.exists()


def test_much_goes_in_small_bites(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = floor.stop()
    for n in range(5):
        run(remark, floor.sven, exception_id=stop.pk, text=f"{n}")
    floor.end()
    total = Notification.objects.count()
    monkeypatch.setattr(pruning, "BITE", 2)
    after(days=5000)
    bites = []
    while n := prune_who_was_told.run():
        bites.append(n)
    assert (sum(bites), max(bites)) == (total, 2)


def test_each_site_keeps_it_as_long_as_it_says(floor: Floor) -> None:
    over(floor)
    SiteRules.objects.update(log_months=12)
    after(days=6 * 31)
    assert prune_who_was_told.run() == 0


def test_not_to_keep_it_at_all_is_refused(floor: Floor) -> None:
    over(floor)
    with pytest.raises(IntegrityError), transaction.atomic():
        SiteRules.objects.update(log_months=0)


def test_news_of_systems_go_as_well_but_not_what_still_waits_to_be_sent(floor: Floor) -> None:
    over(floor)
    hook = SiteWebhook.objects.create(
        site=floor.world.site, url="https://cmms.example/", secret_env="MFGOS_WEBHOOK_SECRET"
    )
    news = {"title": "t", "body": "b", "url": "", "tag": "t", "data": {}}
    for state in ("sent", "queued"):
        Notification.objects.create(
            site=floor.world.site, webhook=hook, occasion="news", news=news, story="request:1", state=state,
            channels=["webhook"], created_at=MORNING, due_at=MORNING,
        )  # fmt: skip
    after(days=5000)
    while prune_who_was_told.run():
        pass
    assert list(Notification.objects.values_list("occasion", "state")) == [("news", "queued")]
