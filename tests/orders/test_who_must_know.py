"""Whoever must know of an exception besides its owner reads what it means to them, as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.andon.concerns import concerning
from apps.andon.models import FloorException, Notification, SiteRules
from apps.andon.owners import rules_of
from apps.andon.queries import context_for, open_for
from apps.andon.windows import moved_windows
from apps.core import clock
from apps.materials.commands import hold_lot
from apps.materials.models import ExpectedReceipt, Item, Location
from apps.orders.commands import Need, Operation, confirm_quantity, release_work_order, take_edge
from apps.orders.models import JobMaterial, JobOrder
from apps.orders.tasks import recheck_materials
from apps.plant.models import Person, Site
from tests.andon.channels.test_email import Mailbox, mail_server
from tests.andon.floor import MORNING, Floor, make_floor, raise_it
from tests.andon.reach import deliver_all, mail_to
from tests.materials.stock_world import make_item, make_location, make_lot, put_stock, queries_of
from tests.orders.shop import SYSTEM
from tests.world import make_station, run

pytestmark = pytest.mark.django_db

CUSTOMER = "Harlow Water"


@pytest.fixture
def floor() -> Floor:
    floor = make_floor()
    for username, role in (
        ("petra", "planner"),
        ("cleo", "customer_service"),
        ("pat", "purchasing"),
        ("quentin", "quality_engineer"),
    ):
        person = floor.member(username, role)
        floor.roster(person, role, MORNING - timedelta(hours=4), MORNING + timedelta(hours=10))
    return floor


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with mail_server(settings) as running:
        yield running


def person(username: str) -> Person:
    return Person.objects.get_queryset().get(username=username)


def order(
    floor: Floor,
    number: str,
    *,
    quantity: int = 24,
    customer: str = CUSTOMER,
    hours: float | None = 4,
    seal: Item | None = None,
) -> JobOrder:
    """At station A33, due so many hours from now; each piece takes two seals."""
    released = run(
        release_work_order,
        SYSTEM,
        site_id=floor.world.site.pk,
        number=number,
        item_code="ES-65",
        item_name="Pump ES 65",
        quantity=Decimal(quantity),
        unit="pcs",
        due_at=None if hours is None else clock.now() + timedelta(hours=hours),
        customer=customer,
        operations=[
            Operation(
                sequence=10,
                name="Assemble",
                work_center_id=floor.world.line.pk,
                work_unit_id=floor.world.station.pk,
                needs=(Need(item_id=seal.pk, per_piece=Decimal(2)),) if seal else (),
            )
        ],
    )
    return JobOrder.objects.get(pk=released.job_order_ids[0])


def said(exception: FloorException, role: str) -> list[str]:
    fresh = FloorException.objects.select_related("site").get(pk=exception.pk)
    return concerning([(fresh, role)]).get((exception.pk, role), [])


def expect(item: Item, site: Site, *rows: tuple[int, date | None, str]) -> None:
    for quantity, day, document in rows:
        ExpectedReceipt.objects.create(
            site=site, item=item, stock_quantity=quantity, due_on=day, supplier="Seals Ltd", document=document
        )


class TestAShortage:
    @pytest.fixture
    def rack(self, floor: Floor) -> Location:
        return make_location(floor.world.site, "RACK-A")

    @pytest.fixture
    def seal(self, rack: Location) -> Item:
        seal = make_item("SEAL")
        put_stock(seal, rack, 40)
        return seal

    @pytest.fixture
    def shortage(self, floor: Floor, seal: Item) -> FloorException:
        order(floor, "WO-9", seal=seal)
        return FloorException.objects.get(cause_kind="shortage")

    def test_tells_the_planner_which_orders_wait_and_what_is_possible_now(
        self, floor: Floor, shortage: FloorException, seal: Item
    ) -> None:
        order(floor, "WO-10", seal=seal, hours=2)
        put_stock(seal, make_location(floor.world.site, "LINE-2", kind="production"), 30)
        first, second, for_all = said(shortage, "planner")
        assert first.startswith("WO-10, due 12:45: Can make 20 of 24. Possible now: ")
        assert "Take 8 u from LINE-2" in first
        assert second.startswith("WO-9, due 14:45: Can make 20 of 24.")
        assert for_all == "Possible now: Ask purchasing to expedite."

    def test_tells_customer_service_who_waits_since_when_and_how_late_it_becomes(
        self, floor: Floor, shortage: FloorException, seal: Item
    ) -> None:
        order(floor, "WO-OWN", seal=seal, customer="", hours=1)
        order(floor, "WO-OLD", seal=seal, hours=-3)
        late, in_time = said(shortage, "customer_service")
        assert late == (
            "Harlow Water, promised 07:45, 3 h late already: 24 pcs of ES-65 (WO-OLD). No material is on its way."
        )
        assert in_time.startswith("Harlow Water, promised 14:45: 24 pcs of ES-65 (WO-9). ")
        expect(seal, floor.world.site, (5, date(2026, 11, 25), "PO-17"), (20, date(2026, 11, 27), "PO-18"))
        _late, in_time = said(shortage, "customer_service")
        assert in_time.endswith("The material comes on 27.11.2026: 3 days late at least.")

    def test_tells_purchasing_what_is_missing_until_when_and_what_comes(
        self, floor: Floor, shortage: FloorException, seal: Item
    ) -> None:
        assert said(shortage, "purchasing") == [
            "8 u of SEAL are missing: 48 are needed, 40 are there.",
            "WO-9, due 14:45, waits for it.",
            "Nothing of it is on order, as far as the ERP says.",
        ]
        order(floor, "WO-10", seal=seal, hours=2)
        expect(seal, floor.world.site, (20, date(2026, 11, 27), "PO-18"), (7, None, "PO-19"))
        assert said(shortage, "purchasing") == [
            "56 u of SEAL are missing: 96 are needed, 40 are there.",
            "WO-10, due 12:45, is the first that waits for it; 1 more after it.",
            "20 u are to come on 27.11.2026 from Seals Ltd (PO-18).",
            "7 u are ordered from Seals Ltd without a date (PO-19).",
        ]

    def test_tells_quality_which_lots_are_held_back(self, floor: Floor, rack: Location) -> None:
        casting = make_item("CAST", lot_tracked=True)
        lot = make_lot(casting, "C-1")
        put_stock(casting, rack, 30, lot=lot)
        job = order(floor, "WO-9")
        JobMaterial.objects.create(job_order=job, item=casting, per_piece=Decimal(1))
        run(hold_lot, SYSTEM, lot_id=lot.pk)
        recheck_materials.run()
        shortage = FloorException.objects.get(cause_kind="shortage")
        assert said(shortage, "quality_engineer") == ["Lot C-1: 30 u of CAST lie at RACK-A and may not be used (held)."]

    def test_names_the_worst_and_counts_the_others(self, floor: Floor, shortage: FloorException, seal: Item) -> None:
        for n in range(5):
            order(floor, f"WO-L{n}", seal=seal, hours=10 + n)
        lines = said(shortage, "planner")
        assert [line.split(",")[0] for line in lines[:3]] == ["WO-9", "WO-L0", "WO-L1"]
        assert lines[-1] == "And 3 more."

    def test_is_read_anew_when_it_is_shown(self, floor: Floor, shortage: FloorException, seal: Item) -> None:
        pat = person("pat")
        assert context_for(pat.pk, shortage)[0].startswith("8 u of SEAL")
        put_stock(seal, make_location(floor.world.site, "RACK-Z"), 4)
        assert context_for(pat.pk, shortage)[0].startswith("4 u of SEAL")
        assert context_for(floor.mia.pk, shortage) == [], "who is not told has no lines of their own"

    def test_the_mail_says_it_and_what_was_told_is_kept(self, floor: Floor, mailbox: Mailbox, seal: Item) -> None:
        pat = person("pat")
        mail_to(pat)
        order(floor, "WO-9", seal=seal)
        deliver_all()
        (mail,) = [mail for mail in mailbox.mails if mail["To"] == "pat@plant.example"]
        text = mail.get_content()
        assert "8 u of SEAL are missing: 48 are needed, 40 are there." in text
        assert "WO-9, due 14:45, waits for it." in text
        assert "To be done by" not in text, "that is for the owner"
        told = Notification.objects.get(person=pat, occasion="informed")
        put_stock(seal, make_location(floor.world.site, "RACK-Z"), 4)
        told.refresh_from_db()
        assert told.context[0] == "8 u of SEAL are missing: 48 are needed, 40 are there."

    def test_in_the_language_of_whoever_reads_it(self, floor: Floor, mailbox: Mailbox, seal: Item) -> None:
        pat = person("pat")
        pat.language = "de"
        pat.save()
        mail_to(pat)
        order(floor, "WO-9", seal=seal)
        deliver_all()
        assert "14:45" in Notification.objects.get(person=pat, occasion="informed").context[1]

    def test_a_concern_that_fails_keeps_nobody_from_being_told(
        self, floor: Floor, mailbox: Mailbox, seal: Item
    ) -> None:
        pat = person("pat")
        mail_to(pat)
        order(floor, "WO-9", seal=seal)
        FloorException.objects.filter(cause_kind="shortage").update(cause_key="no number")
        deliver_all()
        told = Notification.objects.get(person=pat, occasion="informed")
        assert (told.state, told.context) == ("sent", [])


class TestAMachineThatStands:
    def stop(self, floor: Floor, key: str = "A33", unit_id: int | None = None) -> FloorException:
        exception_id = run(
            raise_it,
            SYSTEM,
            type_code="downtime",
            kind="downtime",
            key=key,
            site_id=floor.world.site.pk,
            line_id=floor.world.line.pk,
            unit_id=unit_id or floor.world.station.pk,
        )
        return FloorException.objects.get(pk=exception_id)

    def test_tells_the_planner_what_is_planned_on_it_and_where_else_it_could_run(self, floor: Floor) -> None:
        order(floor, "WO-2", hours=6)
        order(floor, "WO-1", hours=3, quantity=12)
        stop = self.stop(floor)
        assert said(stop, "planner") == [
            "WO-1, due 13:45: Assemble is planned there, 12 pcs to do.",
            "WO-2, due 16:45: Assemble is planned there, 24 pcs to do.",
            "The line has no other station.",
        ]
        make_station(floor.world.line, "A34", position=2)
        assert said(stop, "planner")[-1] == "Possible now: Move WO-1 to A34."

    def test_tells_customer_service_whom_it_hits(self, floor: Floor) -> None:
        order(floor, "WO-OWN", customer="", hours=1)
        stop = self.stop(floor)
        assert said(stop, "customer_service") == ["No order of a customer is planned on what stands."]
        order(floor, "WO-1", hours=3)
        assert said(stop, "customer_service") == ["Harlow Water, promised 13:45: 24 pcs of ES-65 (WO-1)."]

    def test_tells_quality_what_was_made_of_what_is_in_hand(self, floor: Floor) -> None:
        job, olga = order(floor, "WO-1"), floor.world.olga
        run(take_edge, olga, job_order_id=job.pk, edge="start", inputs={})
        run(confirm_quantity, olga, job_order_id=job.pk, good=Decimal(11), scrap=Decimal(0))
        clock.move_to(clock.now() + timedelta(minutes=5), rate=0)
        stop = self.stop(floor)
        clock.move_to(clock.now() + timedelta(minutes=5), rate=0)
        run(confirm_quantity, olga, job_order_id=job.pk, good=Decimal(2), scrap=Decimal(0))
        assert said(stop, "quality_engineer") == ["WO-1 is in hand: 13 pcs good and 0 scrap so far; since 10:50 2."]

    def test_its_window_is_the_next_order_that_is_not_late_already(self, floor: Floor) -> None:
        order(floor, "WO-LATE", hours=-1)
        job = order(floor, "WO-1", hours=3)
        stop = self.stop(floor)
        assert moved_windows()[stop.pk] == job.work_order.due_at

    def test_of_many_at_once_it_is_what_is_planned_on_all_of_them(self, floor: Floor) -> None:
        rules_of(floor.world.site)
        order(floor, "WO-1", hours=3)
        SiteRules.objects.update(storm_count=2)
        stop = self.stop(floor)
        other = make_station(floor.world.line, "A34", position=2)
        JobOrder.objects.filter(pk=order(floor, "WO-2", hours=2).pk).update(work_unit=other)
        self.stop(floor, "A34", other.pk)
        storm = FloorException.objects.get(cause_kind="storm")
        assert FloorException.objects.get(pk=stop.pk).parent_id == storm.pk
        assert [line.split(",")[0] for line in said(storm, "planner")] == ["WO-2", "WO-1"]

    def test_a_call_for_help_is_no_machine_that_stands(self, floor: Floor) -> None:
        order(floor, "WO-1")
        assert said(floor.help(), "planner") == []


def test_a_list_of_many_costs_as_many_queries_as_one_of_a_few(floor: Floor) -> None:
    petra, pat = person("petra"), person("pat")
    rules_of(floor.world.site)
    SiteRules.objects.update(storm_count=1000)
    rack = make_location(floor.world.site, "RACK-A")

    def one_more(n: int) -> None:
        seal = make_item(f"SEAL-{n}")
        put_stock(seal, rack, 40)
        order(floor, f"WO-{n}", seal=seal)
        unit = make_station(floor.world.line, f"U{n}", position=n + 2)
        TestAMachineThatStands().stop(floor, f"U{n}", unit.pk)

    def shown() -> None:
        assert open_for(petra.pk).context
        assert open_for(pat.pk).context

    for n in range(2):
        one_more(n)
    queries_of(shown)  # what is kept for good is read
    few = queries_of(shown)
    for n in range(2, 12):
        one_more(n)
    many = queries_of(shown)
    assert len(open_for(petra.pk).context) >= 12
    assert many == few
