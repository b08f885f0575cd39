"""Words on an order of a real Tryton: there once, whatever the network does."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest

from apps.erp_sync.connectors.interface import (
    Absent,
    AlreadyPosted,
    ErpRef,
    NotePosting,
    OrderRecord,
    Posted,
    Rejected,
    Unknown,
)
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError
from tests.tryton.plant import Plant, twice

pytestmark = pytest.mark.erp
pytest_plugins = ["tests.tryton.plant"]
SAID = "First piece approved (step “Approve the first piece”)"


def noted(order: OrderRecord, text: str = SAID) -> NotePosting:
    return NotePosting(key=uuid4(), order=order.ref, text=text)


def texts(plant: Plant, order: OrderRecord) -> list[str]:
    """As somebody in Tryton reads them below the order, without our first line."""
    domain = [["resource", "=", f"production,{order.ref.id}"]]
    rows = plant.admin.call("model.ir.note.search_read", domain, 0, None, [["id", "ASC"]], ["message"])
    return [row["message"].split("\n", 1)[1] for row in rows]


def test_is_read_below_the_order_and_is_there_once(plant: Plant) -> None:
    order = plant.another("WO-NOTED")
    first = noted(order)
    assert plant.erp.find_by_key(first) == Absent()
    posted = twice(plant, first)
    assert posted.refs[0].type == "ir.note"
    assert texts(plant, order) == [SAID]
    assert isinstance(plant.post(noted(order)), Posted)
    assert texts(plant, order) == [SAID, SAID]
    assert not plant.erp.reconcile(order.ref).keys


def test_on_an_order_that_is_not_there_is_refused(plant: Plant) -> None:
    nowhere = NotePosting(key=uuid4(), order=ErpRef("tryton", "production", "999999"), text=SAID)
    assert isinstance(plant.post(nowhere), Rejected)
    assert plant.erp.find_by_key(nowhere) == Absent()


@pytest.mark.parametrize("how", ["answer lost", "cut before reading", "late"])
def test_that_is_torn_is_there_once(plant: Plant, how: str) -> None:
    """A copy that arrives late says the same under the same key, and is gone with the next note on the order."""
    order = plant.another(f"WO-NOTED-{how}")
    said: list[str] = []
    came_twice = False
    for at in range(1, 20):
        posting = noted(order, f"Note {at}")
        said.append(posting.text)
        plant.network.trap(at, how)
        result = plant.post(posting)
        sprung = plant.network.sprung
        plant.network.trap(0, "")
        if not sprung:
            assert isinstance(result, Posted)
            break
        assert isinstance(result, Unknown)
        assert isinstance(plant.post(posting), Posted | AlreadyPosted)
        if plant.network.held:
            try:
                plant.network.deliver()
            except OutcomeUnknownError:
                plant.network.held = None
        assert isinstance(plant.erp.find_by_key(posting), AlreadyPosted)
        came_twice |= max(Counter(texts(plant, order)).values()) > 1
    assert len(said) > 1, "nothing was torn"
    assert came_twice == (how == "late")
    assert isinstance(plant.post(noted(order, "The last one")), Posted)
    assert sorted(texts(plant, order)) == sorted([*said, "The last one"])
