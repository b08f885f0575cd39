"""Where the last entry has got to: the ERP's mark, and who may read what stands behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.base import SessionBase

from apps.erp_sync.commands import skip_posting
from apps.erp_sync.models import Posting, PostingState
from apps.floor.fragments import station_erp, station_fragment
from apps.floor.panel import Panel
from apps.orders.commands import reverse_confirmation
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import Person, Purpose, ReasonCode
from tests.erp_sync.outbox_world import OPEN, SYSTEM, Outbox, deliver_all, make_outbox
from tests.orders.shop import scrap_reason
from tests.world import actor_of, give_role, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return make_outbox(tmp_path / "stub.sqlite")


def at_station(outbox: Outbox, **more: Any) -> JobOrder:
    job = outbox.order(**more)
    JobOrder.objects.filter(pk=job.pk).update(work_unit=outbox.world.station)
    outbox.start(job)
    return job


def seen(outbox: Outbox, who: Person | None = None) -> Panel:
    return Panel(outbox.world.station, actor_of(who or outbox.world.olga), SessionBase())


def mark(outbox: Outbox) -> str:
    last = seen(outbox).last
    assert last is not None
    return last.mark.state


def clerk(outbox: Outbox) -> Person:
    person = make_person(site=outbox.world.site)
    give_role(person, "planner", outbox.world.site)
    return person


def test_an_entry_is_on_its_way_until_the_last_of_its_postings_is_in_the_erp(outbox: Outbox) -> None:
    job = at_station(outbox)
    outbox.book(job, 1, 1, scrap_reason_id=scrap_reason().pk)
    assert Posting.objects.exclude(kind="start").count() == 3
    for left in (3, 2, 1):
        assert mark(outbox) == "queued", left
        done = Posting.objects.filter(state=PostingState.POSTED).count()
        deliver_all(until=lambda done=done: Posting.objects.filter(state=PostingState.POSTED).count() > done)
    deliver_all()
    assert mark(outbox) == "posted"


def test_an_order_of_our_own_has_no_mark(outbox: Outbox) -> None:
    job = at_station(outbox, who=SYSTEM, erp_key="", item_id=None)
    outbox.book(job)
    assert mark(outbox) == ""
    assert " hidden" in station_erp.render(str(outbox.world.station.pk))


def test_time_that_is_gathered_keeps_an_entry_on_its_way_until_the_operation_ends(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path / "stub.sqlite", policy={"confirm": "operation"})
    first = at_station(outbox, quantity=1, operations=2)
    outbox.book(first)
    deliver_all()
    assert mark(outbox) == "queued"
    outbox.complete(first)
    deliver_all()
    assert mark(outbox) == "posted"


def test_who_may_see_postings_reads_the_documents_and_an_operator_only_that_it_is_there(outbox: Outbox) -> None:
    outbox.book(at_station(outbox))
    deliver_all()
    assert seen(outbox, clerk(outbox)).erp_detail == "document 2, document 3"
    assert seen(outbox).erp_detail == ""
    assert "document" not in station_erp.render(str(outbox.world.station.pk))


def test_a_refused_posting_stands_still_with_its_reason_for_who_may_see_it(outbox: Outbox) -> None:
    job = at_station(outbox)
    deliver_all()
    outbox.erp.configure(rejects=["1"])
    outbox.book(job)
    outbox.book(job)
    deliver_all(until=lambda: Posting.objects.filter(state=PostingState.PARKED).exists())
    assert Posting.objects.filter(state__in=OPEN).exists(), "the second entry waits behind the first"
    assert mark(outbox) == "parked"
    parked = Posting.objects.get(state=PostingState.PARKED)
    assert seen(outbox, clerk(outbox)).erp_detail == parked.parked_reason["sentence"]
    told = seen(outbox).erp_detail
    assert parked.parked_reason["sentence"] not in told
    assert "Planner" in told
    assert parked.parked_reason["sentence"] not in station_erp.render(str(outbox.world.station.pk))


def test_an_entry_that_a_person_kept_from_the_erp_says_so(outbox: Outbox) -> None:
    job = at_station(outbox)
    deliver_all()
    outbox.erp.configure(rejects=["1"])
    outbox.book(job)
    while parked := Posting.objects.filter(state=PostingState.PARKED).first() or _deliver_to_the_next(outbox):
        run(skip_posting, SYSTEM, posting_id=parked.pk, reason="typed in by hand")
    assert mark(outbox) == "skipped"


def _deliver_to_the_next(outbox: Outbox) -> Posting | None:
    open_ = Posting.objects.filter(state__in=OPEN)
    deliver_all(until=lambda: not open_.exists() or Posting.objects.filter(state=PostingState.PARKED).exists())
    return Posting.objects.filter(state=PostingState.PARKED).first()


def test_an_undone_entry_gives_way_to_the_one_before(outbox: Outbox) -> None:
    job = at_station(outbox)
    outbox.book(job)
    deliver_all()
    outbox.book(job, 2)
    assert mark(outbox) == "queued"
    reasons = ReasonCode.objects.choosable(Purpose.REVERSAL)
    last = Confirmation.objects.latest("pk")
    run(reverse_confirmation, outbox.world.lena, confirmation_id=last.pk, reason_id=reasons[0].pk)
    assert mark(outbox) == "posted"


def test_the_mark_costs_two_queries_however_much_was_posted(
    outbox: Outbox, django_assert_num_queries: Any, django_assert_max_num_queries: Any, settings: Any
) -> None:
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    job = at_station(outbox, quantity=9)
    key = str(outbox.world.station.pk)
    for _ in range(3):
        outbox.book(job)
        with django_assert_num_queries(3):  # the station, its last entry, the order's postings
            station_erp.render(key)
    deliver_all()
    with django_assert_num_queries(3):
        station_erp.render(key)
    with django_assert_max_num_queries(9):
        station_fragment.render(key)
